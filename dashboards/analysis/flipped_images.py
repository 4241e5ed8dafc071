"""The images whose predicted class pruning changed, for the chosen candidates: listed one by one, and counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dashboards import labels
from dashboards.analysis.csv_tables import Table
from dashboards.analysis.kept_logits import logits_of, pairs_with_control
from dashboards.reading.study_folder import StudyFolder
from prune_core.base.errors import BadInput, Diverged
from prune_core.evaluation.damage import Damage, damage
from prune_core.evaluation.logits import LogitSet


@dataclass(frozen=True)
class Flips:
    """One seed of a candidate beside its control, on the clean report images."""

    candidate: str
    seed: int
    found: Damage
    network: LogitSet
    control: LogitSet


def flips(study: StudyFolder, rows: Sequence[Any]) -> list[Flips]:
    """Return the flipped images of the candidates, a seed each; seeds whose logits were not kept are left out."""
    result = []
    for row in {row.Index: row for row in rows}.values():
        for record, control in pairs_with_control(study, row):
            ours, theirs = (logits_of(study, str(each), row.budget) for each in (record["key"], control))
            if ours is None or theirs is None:
                continue
            try:
                result.append(Flips(labels.candidate(row), int(record["seed"]), damage(ours, theirs), ours, theirs))
            except (BadInput, Diverged):
                continue
    return result


def flipped_table(found: Sequence[Flips]) -> Table:
    """Return an image per line: its place among the report images, and its class, as a number, three times."""
    return ("candidate", "seed", "image", "label", "control_says", "candidate_says", "change"), (
        line for one in found for line in _lines(one)
    )


def flipped_sentences(found: Sequence[Flips]) -> list[str]:
    """Return, for each candidate, how many images changed their class, mean over seeds, and whether for the worse."""
    result = []
    for name in dict.fromkeys(one.candidate for one in found):
        own = [one for one in found if one.candidate == name]
        share, broken, mended = (
            float(np.mean([len(getattr(one.found, what)) / len(one.network.labels) for one in own]))
            for what in ("flipped", "broken", "mended")
        )
        result.append(
            f"{name}: {100 * share:.1f} % of the clean report images are predicted to be of another class than by the "
            f"control; {100 * broken:.1f} % were right and are wrong now, {100 * mended:.1f} % the other way round "
            "(mean over seeds)."
        )
    return result


def _lines(one: Flips) -> Iterator[tuple[object, ...]]:
    here, there = one.network.clean.argmax(axis=1), one.control.clean.argmax(axis=1)
    changes = dict.fromkeys(one.found.broken.tolist(), "broken") | dict.fromkeys(one.found.mended.tolist(), "mended")
    for at in one.found.flipped.tolist():
        change = changes.get(at, "wrong otherwise")
        yield one.candidate, one.seed, at, int(one.network.labels[at]), int(there[at]), int(here[at]), change
