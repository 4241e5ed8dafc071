"""One network against another on the same images, for example a pruned one against what it was: damage beside the mean."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from prune_core.base.errors import BadInput
from prune_core.base.files import replacing
from prune_core.base.plain_text import csv_cell
from prune_core.evaluation.damage import Damage, damage
from prune_core.evaluation.uncertainty import paired_intervals
from prune_core.metrics import METRICS, ece_fell_with_accuracy
from prune_core.metrics.directions import metric_of
from prune_core.metrics.falling_ece import TOLERANCE
from sweeps.one_network.table import SHOWN_CLASSES, recorded_on, value_text
from sweeps.one_network.text import Row, aligned, within
from sweeps.records.columns import delta_columns

if TYPE_CHECKING:
    from sweeps.one_network.judged import Judgement, Record

LISTED = 15
"""So many flipped images are named on the screen; all of them are in the file."""


def deltas(judged: Judgement, other: Judgement) -> Record:
    """Return the differences as columns of a record: this network less the other."""
    found: Record = {}
    for column in delta_columns():
        name = column.removeprefix("delta_")
        if name in judged.record and name in other.record:
            found[column] = float(judged.record[name]) - float(other.record[name])
    return found


def falling_ece_line(record: Record, other: Record) -> list[str]:
    """Return a warning where an ECE fell because accuracy and confidence did; nothing where none did."""
    fell = ece_fell_with_accuracy(record, other)
    flagged = list(dict.fromkeys(METRICS.get(metric_of(column)).title for column in fell))
    if not flagged:
        return []
    return [
        f"not better calibrated: {', '.join(flagged)} fell because accuracy fell with the confidence, by more than "
        f"{100 * TOLERANCE:.0f} points"
    ]


def against_lines(judged: Judgement, other: Judgement, name: str) -> list[str]:
    """Return what changed, as lines: numbers with paired intervals, classes, corruptions, flipped images.

    Raises:
        BadInput: the two were not judged on the same images, or know other classes.
    """
    if judged.logits.clean.shape != other.logits.clean.shape:
        raise BadInput(
            f"--against: {name} knows {other.logits.clean.shape[1]} classes, the network {judged.logits.clean.shape[1]}"
        )
    several = len(judged.logits.labels) > 1
    change = paired_intervals(judged.logits, other.logits, bins=judged.bins) if several else {}
    rows: list[Row] = [(f"against {name} ({other.network})", "there", "here", "change, 95 %")]
    for column in recorded_on("images", "severity", "cells"):
        if METRICS.get(column).tracked and column in judged.record and column in other.record:
            there, here = (value_text(column, float(each.record[column])) for each in (other, judged))
            rows.append((METRICS.get(column).title, there, here, within(change.get(column), METRICS.get(column).unit)))
    found = damage(judged.logits, other.logits)
    return [
        *aligned(rows),
        *falling_ece_line(judged.record, other.record),
        *_by_class(found, judged.dataset.classes),
        *([f"points of accuracy by corruption: {_points(found.corruptions)}"] if found.corruptions else []),
        *_flipped(found, judged),
    ]


def write_flipped(judged: Judgement, other: Judgement, path: Path) -> None:
    """Write a CSV of the clean images whose predicted class differs: image, label, there, here, and what that means.

    Raises:
        BadInput: it cannot be written.
    """
    found, names = damage(judged.logits, other.logits), judged.dataset.classes
    here, there = (each.logits.clean.argmax(axis=1) for each in (judged, other))
    broken, mended = set(found.broken.tolist()), set(found.mended.tolist())
    try:
        with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(["image", "label", "there", "here", "change"])
            for at in found.flipped.tolist():
                change = "broken" if at in broken else "mended" if at in mended else "wrong otherwise"
                classes = [_named(names, each[at]) for each in (judged.logits.labels, there, here)]
                writer.writerow([int(judged.shown.numbers[at]), *map(csv_cell, classes), change])
    except OSError as error:
        raise BadInput(f"--flipped: {path} cannot be written: {error.strerror}") from None


def _named(classes: Sequence[str], number: int) -> str:
    return classes[number] if number < len(classes) else str(number)


def _by_class(found: Damage, classes: Sequence[str]) -> list[str]:
    known = {name: float(change) for name, change in zip(classes, found.classes, strict=False) if not np.isnan(change)}
    worst = dict(sorted(known.items(), key=lambda each: each[1])[:SHOWN_CLASSES])
    which = "" if len(worst) == len(known) else f", the {len(worst)} that lost most"
    return [f"points of accuracy by class{which}: {_points(worst if which else known)}"]


def _points(changes: dict[str, float]) -> str:
    return ", ".join(f"{name} {100 * change:+.1f}" for name, change in changes.items())


def _flipped(found: Damage, judged: Judgement) -> list[str]:
    total = len(judged.logits.labels)
    lines = [f"flipped: {len(found.flipped):,} of {total:,} clean images are predicted to be of another class"]
    for what, positions in (("right there, wrong here", found.broken), ("wrong there, right here", found.mended)):
        numbers = ", ".join(str(judged.shown.numbers[at]) for at in positions[:LISTED])
        more = f" and {len(positions) - LISTED:,} more" if len(positions) > LISTED else ""
        lines.append(f"  {what}: {len(positions):,}" + (f" (images {numbers}{more})" if len(positions) else ""))
    return lines
