"""How sure a place on the front is: its frequency when the seeds are drawn again.

Seeds are drawn jointly: one multiplier per (network, seed) moves every candidate of that network, so what candidates share
(their baseline) moves them together, and every objective with it. Three seeds say little about the scatter of one candidate,
so its variance is pulled towards the median of its network's candidates (median: one collapsed candidate must not
inflate the others). It is called a frequency, not a probability: nothing here claims that it is calibrated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweeps.pareto_volume import non_dominated

Array = NDArray[np.float64]
CANDIDATE = ["arm", "network", "method", "ratio", "budget"]
EVERY_BUDGET = ("baseline", "dense", "scratch")
"""Methods that stand for no fine-tuning: they compete at every budget."""
_PRIOR_FREEDOM = 4.0
"""Weight of the network's median variance, in degrees of freedom; a candidate's own weighs its seeds minus one."""


def rivals(table: pd.DataFrame, *, mix_budgets: bool = False) -> list[NDArray[np.bool_]]:
    """Return the groups of rows of a candidates table within which candidates compete: one per budget, or all."""
    everywhere = table["method"].isin(EVERY_BUDGET).to_numpy(dtype=bool)
    budgets = table["budget"].to_numpy()
    own = np.unique(budgets[~everywhere])
    if mix_budgets or not own.size:
        return [np.ones(len(table), dtype=bool)]
    return [everywhere | (budgets == budget) for budget in own]


def membership(
    records: pd.DataFrame, table: pd.DataFrame, objectives: Mapping[str, str], *, mix_budgets: bool = False, draws: int = 500
) -> Array:
    """Return, for each candidate, how often it is on a front when the seeds are drawn again.

    Args:
        records: the table of records, which holds the values of the single seeds.
        table: what `candidates` returned for the same objectives.
        objectives: the columns that decide -> "min" or "max".
        mix_budgets: as in `front`.
        draws: how many times; the standard error of a frequency is at most ``0.5 / sqrt(draws)``.

    Returns:
        ``(len(table),)`` in [0, 1]; NaN for incomplete candidates and where there are fewer than two seeds.
    """
    frequency = np.full(len(table), np.nan)
    rows = np.flatnonzero(table["complete"].to_numpy(dtype=bool) & (table["seeds"].to_numpy() >= 2))
    if not len(rows):
        return frequency
    chosen = table.iloc[rows]
    residuals, seeds = _residuals(records, chosen, list(objectives))
    scaled = _moderated(residuals, chosen["network"].to_numpy())
    means = chosen[list(objectives)].to_numpy(dtype=float)
    groups = [np.flatnonzero(group[rows]) for group in rivals(table, mix_budgets=mix_budgets)]
    networks, network_of = np.unique(chosen["network"].to_numpy(dtype=str), return_inverse=True)
    stream = np.random.default_rng(20240617)
    hits = np.zeros(len(rows))
    for _ in range(draws):
        shared = stream.standard_normal((len(networks), len(seeds)))
        drawn = means + np.einsum("csm,cs->cm", scaled, shared[network_of])
        on = np.zeros(len(rows), dtype=bool)
        for group in groups:
            on[group] |= non_dominated(drawn[group], list(objectives.values()))
        hits += on
    frequency[rows] = hits / draws
    return frequency


def seed_values(records: pd.DataFrame, chosen: pd.DataFrame, numbers: Sequence[str]) -> tuple[Array, list[int]]:
    """Return what each seed measured for each candidate, ``(C, S, M)`` with NaN where a seed is missing, and the S seeds.

    Args:
        records: the table of records; those that are not complete count as missing.
        chosen: rows of a candidates table.
        numbers: the M columns; one that the records lack is NaN.
    """
    table = records[records["status"].eq("complete")].copy()
    table["ratio"] = pd.to_numeric(table["ratio"], errors="coerce").fillna(0.0)
    table["budget"] = pd.to_numeric(table["budget"], errors="coerce").fillna(0).astype(int)
    table = table.drop_duplicates([*CANDIDATE, "seed"], keep="last").set_index([*CANDIDATE, "seed"])
    table = table.reindex(columns=list(numbers)).astype(float)
    seeds = sorted({int(seed) for seed in table.index.get_level_values("seed")})
    tuples = list(chosen[CANDIDATE].itertuples(index=False, name=None))
    if not tuples or not seeds:
        return np.full((len(tuples), len(seeds), len(numbers)), np.nan), seeds
    index = pd.MultiIndex.from_tuples([(*row, seed) for row in tuples for seed in seeds], names=[*CANDIDATE, "seed"])
    return table.reindex(index).to_numpy().reshape(len(tuples), len(seeds), len(numbers)), seeds


def _residuals(records: pd.DataFrame, chosen: pd.DataFrame, numbers: list[str]) -> tuple[Array, list[int]]:
    """Return what each seed adds to its candidate's mean, ``(C, S, M)`` with NaN where a seed is missing, and the seeds."""
    values, seeds = seed_values(records, chosen, numbers)
    return values - np.nanmean(values, axis=1, keepdims=True), seeds


def _moderated(residuals: Array, networks: NDArray[np.object_]) -> Array:
    """Return residuals whose sum with independent standard normal weights has the standard error of the mean.

    What does not vary between a candidate's seeds (the parameters of most methods) is taken as fixed.
    """
    count = (~np.isnan(residuals)).sum(axis=1).astype(float)
    squares = np.nansum(residuals**2, axis=1)
    freedom = np.maximum(count - 1.0, 1.0)
    # The median of a chi-square variable with d degrees of freedom is close to d (1 - 2/(9 d))^3.
    unbiased = np.where(squares > 0, squares / freedom / (1.0 - 2.0 / (9.0 * freedom)) ** 3, np.nan)
    variance = np.zeros_like(squares)
    for network in sorted(set(networks)):
        at = networks == network
        known = ~np.isnan(unbiased[at]).all(axis=0)
        typical = np.zeros(squares.shape[1])
        typical[known] = np.nanmedian(unbiased[at][:, known], axis=0)
        variance[at] = (squares[at] + _PRIOR_FREEDOM * typical) / (freedom[at] + _PRIOR_FREEDOM)
    size = np.sqrt(squares)
    factor = np.divide(np.sqrt(variance / count), size, out=np.zeros_like(size), where=size > 0)
    return np.asarray(np.nan_to_num(residuals) * factor[:, None, :])
