"""Candidates by seed: which record is whose, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
CANDIDATE = ["arm", "network", "method", "ratio", "budget"]


def seed_records(records: pd.DataFrame, chosen: pd.DataFrame) -> tuple[NDArray[np.int64], list[int]]:
    """Return the row of ``records`` of each candidate and seed, ``(C, S)`` with -1 where it is missing, and the S seeds.

    Args:
        records: the table of records; those that are not complete count as missing.
        chosen: rows of a candidates table.
    """
    import pandas as pd  # 0.25 s of CPU, where there is a table

    ratio = pd.to_numeric(records["ratio"], errors="coerce").fillna(0.0)
    budget = pd.to_numeric(records["budget"], errors="coerce").fillna(0).astype(int)
    table = records[[*CANDIDATE, "seed"]].assign(ratio=ratio, budget=budget, row=np.arange(len(records)))
    table = table[records["status"].eq("complete").to_numpy(dtype=bool)]
    place = table.drop_duplicates([*CANDIDATE, "seed"], keep="last").set_index([*CANDIDATE, "seed"])["row"]
    seeds = sorted({int(seed) for seed in place.index.get_level_values("seed")})
    tuples = list(chosen[CANDIDATE].itertuples(index=False, name=None))
    if not tuples or not seeds:
        return np.full((len(tuples), len(seeds)), -1), seeds
    index = pd.MultiIndex.from_tuples([(*row, seed) for row in tuples for seed in seeds], names=[*CANDIDATE, "seed"])
    return place.reindex(index).fillna(-1).to_numpy(dtype=np.int64).reshape(len(tuples), len(seeds)), seeds


def seed_values(records: pd.DataFrame, chosen: pd.DataFrame, numbers: Sequence[str]) -> tuple[Array, list[int]]:
    """Return what each seed measured for each candidate, ``(C, S, M)`` with NaN where a seed is missing, and the S seeds.

    Args:
        records: the table of records; those that are not complete count as missing.
        chosen: rows of a candidates table.
        numbers: the M columns; one that the records lack is NaN.
    """
    rows, seeds = seed_records(records, chosen)
    return values_of(records, rows, numbers), seeds


def values_of(records: pd.DataFrame, rows: NDArray[np.int64], numbers: Sequence[str]) -> Array:
    """Return columns of the rows of a table, ``(*rows.shape, M)``; NaN for row -1 and for a column that is not there."""
    values = records.reindex(columns=list(numbers)).astype(float).to_numpy()
    values = np.concatenate([values, np.full((1, values.shape[1]), np.nan)])  # -1: the missing one
    return np.asarray(values[rows])


def seed_adjusted(values: Array, own: NDArray[np.bool_]) -> Array:
    """Return the means of candidates that have unequal seeds, as if all had the seeds that all have.

    The candidates of a network start from the same baselines, so a seed moves them together: a bare mean over more seeds
    would count the luck of those baselines for or against the one that has them. What a seed does to all is estimated
    together with the candidates' means by least squares (the additive two-way layout with missing cells, Yates 1933), and
    taken off; a seed that only one candidate has says nothing about it.

    Args:
        values: ``(C, S)`` candidates of one network and budget, NaN where a seed is missing.
        own: ``(S,)`` the seeds whose mean effect is called 0: the study's own.

    Returns:
        ``(C,)``; NaN where there is no value. Those with the study's own seeds alone keep their bare mean.
    """
    known = np.isfinite(values)
    count = known.sum(axis=1)
    bare = np.where(count > 0, np.where(known, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)
    rows, seeds = np.nonzero(known)
    if not (known[:, own].any() and known[:, ~own].any()):
        return np.asarray(bare)
    design = np.zeros((len(rows) + 1, sum(values.shape)))
    design[np.arange(len(rows)), rows] = 1.0
    design[np.arange(len(rows)), len(values) + seeds] = 1.0
    design[-1, len(values) + np.flatnonzero(own & known.any(axis=0))] = 1.0
    solved = np.linalg.lstsq(design, np.append(values[rows, seeds], 0.0), rcond=None)[0][: len(values)]
    return np.asarray(np.where(known[:, ~own].any(axis=1) & known[:, own].any(axis=1), solved, bare))
