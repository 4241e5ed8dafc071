"""Learning curves: what each trial noted by epoch while it trained, of the networks that the answer names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dashboards import labels
from dashboards.analysis.points import Points
from dashboards.analysis.stored_size import control_row
from dashboards.reading.study_folder import StudyFolder
from prune_core.base.trial_folder import CURVE
from sweeps.folder.paths import trial_folder


@dataclass(frozen=True)
class LearningCurve:
    """One trial.

    Attributes:
        candidate: what it is a seed of.
        seed: which one.
        epochs: counted from 1.
        loss: mean training loss of each epoch.
        accuracy: share of training images predicted right in each epoch.
    """

    candidate: str
    seed: int
    epochs: tuple[int, ...]
    loss: tuple[float, ...]
    accuracy: tuple[float, ...]


def learning_curves(study: StudyFolder, points: Points, rows: Sequence[Any]) -> list[LearningCurve]:
    """Return the curves of candidates and of their controls, a trial each; those that kept none are left out."""
    controls = [control_row(points, row) for row in rows]
    wanted = {row.Index: row for row in [*rows, *controls] if row is not None}
    result = []
    for row in wanted.values():
        for key in row.keys.split(";"):
            curve = _read(study, key)
            seeds = study.records.loc[study.records["key"].astype(str).eq(key), "seed"]
            if curve is not None and len(seeds):
                result.append(LearningCurve(labels.candidate(row), int(seeds.iloc[0]), *curve))
    return result


def _read(study: StudyFolder, key: str) -> tuple[tuple[int, ...], tuple[float, ...], tuple[float, ...]] | None:
    # Keys come from a file: one that is no plain folder name leads nowhere.
    path = trial_folder(study.path, key) / CURVE
    if not key.isalnum() or not path.is_file():
        return None
    try:
        table = pd.read_csv(path)
        last = table[table["phase"].eq(table["phase"].iloc[-1])]  # a trial that trained its baseline has that phase too
        return tuple(last["epoch"].astype(int)), tuple(last["loss"].astype(float)), tuple(last["accuracy"].astype(float))
    except (OSError, ValueError, KeyError, IndexError):
        return None
