"""What the choice of base images adds to the numbers of a study: read from the trials' folders, for all records alike."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prune_core.base.errors import BadInput
from prune_core.base.trial_folder import RESAMPLED, budget_folder
from prune_core.evaluation.resampled import RESAMPLES, read_image_noise
from sweeps.folder.paths import trial_folder
from sweeps.front.seeds import seed_records

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


class ImageNoise:
    """The resampled metrics of the records in an output folder; each file is read once.

    Args:
        out: the output folder of a study.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._read: dict[tuple[str, int], NDArray[np.void] | None] = {}

    def of_record(self, key: str, budget: int) -> NDArray[np.void] | None:
        """Return how the metrics of one record move on resampled images; None where its folder does not say.

        Raises:
            BadInput: the file that says it is damaged: without it the front would be as sure as if images told nothing.
        """
        if (key, budget) not in self._read:
            # Keys come from a file: one that is no plain folder name leads nowhere.
            path = budget_folder(trial_folder(self._out, key), budget) / RESAMPLED if key.isalnum() else None
            self._read[key, budget] = None if path is None else read_image_noise(path)
            if self._read[key, budget] is None and path is not None and path.exists():
                rescore = f"prunefront rescore {shlex.quote(str(self._out))}"
                raise BadInput(f"{path}: damaged (allowed: `{rescore}`, which makes it from logits)")
        return self._read[key, budget]

    def of_candidates(self, records: pd.DataFrame, chosen: pd.DataFrame, columns: Sequence[str]) -> Array:
        """Return ``(C, S, len(columns), RESAMPLES)`` for the rows of a candidates table; NaN where a seed is missing."""
        rows, _ = seed_records(records, chosen)
        needed = np.unique(rows[rows >= 0])
        noise = np.full((len(records) + 1, len(columns), RESAMPLES), np.nan, dtype=np.float32)
        noise[needed] = self.of_table(records.iloc[needed], columns)
        return noise[rows].astype(float)

    def of_table(self, records: pd.DataFrame, columns: Sequence[str]) -> Array:
        """Return ``(len(records), len(columns), RESAMPLES)``; NaN where a record's folder does not say.

        A column ``delta_<metric>`` is NaN too: which control it belongs to is for the caller to know.
        """
        result = np.full((len(records), len(columns), RESAMPLES), np.nan)
        keys, budgets = records["key"].astype(str).tolist(), records["budget"].astype(int).tolist()
        for row, (key, budget) in enumerate(zip(keys, budgets, strict=True)):
            noise = self.of_record(key, budget)
            for place, name in enumerate(columns):
                if noise is not None and name in (noise.dtype.names or ()):
                    result[row, place] = noise[name]
        return result


def main_effect(noise: Array) -> Array:
    """Return the variance that images add to the mean over seeds and that the scatter of the seeds does not show.

    Seeds are judged on the same images. Part of what images do is common to the seeds (hard images are hard for every
    seed), part is each seed's own; the latter is in the scatter of the seeds already and must not count twice. As in a
    crossed analysis of variance: products of different seeds hold the common part only.

    Args:
        noise: ``(..., S, R)`` deviations of S seeds in R resamples.

    Returns:
        ``(...)``; never negative; the whole variance for one seed.
    """
    seeds = noise.shape[-2]
    summed = noise.sum(axis=-2)
    if seeds < 2:
        return np.asarray((summed**2).mean(axis=-1))
    own = (noise**2).mean(axis=-1).sum(axis=-1)
    return np.asarray(np.maximum(((summed**2).mean(axis=-1) - own) / (seeds * (seeds - 1)), 0.0))
