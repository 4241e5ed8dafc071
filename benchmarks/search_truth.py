"""A finished grid as ground truth for searches: what every candidate measured, by seed, and the hypervolume of a choice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from prune_core.base.kinds import REFERENCES
from sweeps.front.front import hypervolume, non_dominated
from sweeps.study.model import Study, load_study

MARGIN = 0.1
"""The reference point lies so much of an objective's range over the grid beyond its worst value."""


@dataclass(frozen=True)
class Truth:
    """What there is to find.

    Attributes:
        study: the study whose grid it is.
        seeds: of the trials.
        told: candidate key -> ``(S, M)``, what each seed measured.
        reference: ``(M,)``, the reference point of the hypervolume, in the objectives' own units.
    """

    study: Study
    seeds: tuple[int, ...]
    told: Mapping[str, NDArray[np.float64]]
    reference: NDArray[np.float64]

    @property
    def directions(self) -> list[str]:
        """``min`` or ``max`` for each objective."""
        return list(self.study.decisive.values())

    def means(self, keys: Iterable[str]) -> NDArray[np.float64]:
        """Return the means over the seeds, ``(N, M)``."""
        return np.array([self.told[key].mean(axis=0) for key in keys]).reshape(-1, len(self.directions))

    def volume(self, keys: Iterable[str]) -> float:
        """Return the hypervolume of the means, every objective scaled by its range over the grid."""
        scale = np.ptp(self.means(self.told), axis=0)
        return hypervolume(self.means(keys) / scale, self.reference / scale, self.directions)

    def chosen(self, keys: Iterable[str], seed: int) -> list[str]:
        """Return which of the candidates one seed's numbers put on their front: what a user would take."""
        tried = list(keys)
        values = np.array([self.told[key][self.seeds.index(seed)] for key in tried])
        return [key for key, on in zip(tried, non_dominated(values, self.directions), strict=True) if on]


def truth_of(study: Study, told: Mapping[str, NDArray[np.float64]], seeds: Iterable[int]) -> Truth:
    """Return the ground truth of a table of measurements, with its reference point."""
    means = np.array([values.mean(axis=0) for values in told.values()])
    worst = [means[:, i].min() if way == "max" else means[:, i].max() for i, way in enumerate(study.decisive.values())]
    away = np.array([-MARGIN if way == "max" else MARGIN for way in study.decisive.values()])
    return Truth(study, tuple(seeds), dict(told), np.array(worst) + away * np.ptp(means, axis=0))


def read_truth(run: Path) -> Truth:
    """Return the ground truth of a finished grid.

    Args:
        run: the study's output folder.

    Raises:
        SystemExit: a candidate lacks a seed.
    """
    study = load_study(run / "study.yaml")
    records = pd.read_parquet(run / "records.parquet")
    pruned = records[records["status"].eq("complete") & ~records["method"].isin(REFERENCES)]
    told = {}
    for (arm, ratio, budget), rows in pruned.groupby(["arm", "ratio", "budget"]):
        values = rows.set_index("seed")[list(study.decisive)].reindex(list(study.seeds)).to_numpy(dtype=float)
        if np.isnan(values).any():
            raise SystemExit(f"{run}: {arm} at {ratio}, budget {budget} is not complete, so the grid is no ground truth")
        told[f"{arm}|{ratio:g}|{budget}"] = values
    return truth_of(study, told, study.seeds)
