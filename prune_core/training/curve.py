"""How a training went: loss and accuracy of every epoch, kept with the state, so that a killed training has each once."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from prune_core.base.files import write_atomically
from prune_core.base.trial_folder import CURVE

NOTE = "curve"
"""Where the rows are in the notes of a `TrainingState`."""
COLUMNS = ("phase", "epoch", "loss", "accuracy", "learning_rate", "seconds")
"""Of the file. Loss and accuracy are means over the training batches as they came; the seconds count from the start."""


def add_epoch(notes: dict[str, Any], epoch: int, metrics: Mapping[str, float]) -> None:
    """Add an epoch (counted from 1) to the notes of a state."""
    notes.setdefault(NOTE, []).append({"epoch": epoch, **metrics})


def write_curve(folder: Path, phase: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the curve of a trial into its folder, unless a longer one is there: of a walk to a longer budget.

    Args:
        folder: the trial's.
        phase: ``baseline``, ``fine-tune`` or ``from scratch``.
        rows: the epochs from the first one on, as `add_epoch` noted them.
    """
    path = folder / CURVE
    if not rows or len(read_curve(folder)) > len(rows):
        return
    stream = StringIO()
    writer = csv.DictWriter(stream, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({"phase": phase, **row} for row in rows)
    write_atomically(path, lambda temporary: temporary.write_text(stream.getvalue(), encoding="utf-8"))


def read_curve(folder: Path) -> list[dict[str, Any]]:
    """Return the epochs of a trial's curve, numbers as numbers; none where there is no file, or it is damaged."""
    try:
        text = (folder / CURVE).read_text(encoding="utf-8")
        return [
            {"phase": row["phase"], "epoch": int(row["epoch"]), **{name: float(row[name]) for name in COLUMNS[2:]}}
            for row in csv.DictReader(StringIO(text))
        ]
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError, csv.Error):
        return []
