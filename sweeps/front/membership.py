"""How often a place on the front is kept: its frequency when the seeds and the base images are drawn again.

What candidates share moves them together (`pareto_scatter`); only what is a candidate's own decides who beats whom. The
means around which is drawn are not the bare observed ones (`pareto_shrinkage`). How well the frequency agrees with the
truth is simulated in ``tests/sweeps/front/test_calibration.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prune_core.base.kinds import NEVER_FINE_TUNED
from prune_core.metrics import Direction
from prune_core.metrics.quantities import is_cost
from sweeps.front.image_noise import ImageNoise
from sweeps.front.scatter import Scatter, scatter_of
from sweeps.front.seeds import CANDIDATE, seed_values
from sweeps.front.shrinkage import draw_true_means
from sweeps.front.volume import fronts_of_draws

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CANDIDATE", "membership", "rivals", "seed_values"]

Array = NDArray[np.float64]
SURE, POSSIBLE = 0.95, 0.05
"""From which frequency on a place needs no further seeds, and from which on somebody may be on the front."""
DRAWS = 400
"""The standard error of a frequency is at most ``0.5 / sqrt(DRAWS)``: .025."""


def rivals(table: pd.DataFrame, *, mix_budgets: bool = False) -> list[NDArray[np.bool_]]:
    """Return the groups of rows of a candidates table within which candidates compete: one per budget, or all."""
    return [np.ones(len(table), dtype=bool)] if mix_budgets else list(rivals_by_budget(table).values())


def rivals_by_budget(table: pd.DataFrame) -> dict[int, NDArray[np.bool_]]:
    """Return budget -> who competes there: its own candidates, and those that are never fine-tuned, which do everywhere."""
    everywhere = table["method"].isin(NEVER_FINE_TUNED).to_numpy(dtype=bool)
    budgets = table["budget"].to_numpy()
    own = np.unique(budgets[~everywhere])
    if not own.size:
        return {0: np.ones(len(table), dtype=bool)}
    return {int(budget): everywhere | (budgets == budget) for budget in own}


def membership(
    records: pd.DataFrame,
    table: pd.DataFrame,
    objectives: Mapping[str, Direction],
    *,
    mix_budgets: bool = False,
    budget: int | None = None,
    draws: int = DRAWS,
    images: ImageNoise | None = None,
) -> Array:
    """Return, for each candidate, how often it is on a front when seeds and base images are drawn again.

    Args:
        records: the table of records, which holds the values of the single seeds.
        table: what `candidates` returned for the same objectives.
        objectives: the columns that decide -> "min" or "max".
        mix_budgets: as in `front`.
        budget: the front of one budget alone; who does not compete there is NaN. None counts a place on any of the fronts.
        draws: how many times.
        images: what the choice of base images adds; without it, or for a column of which a record's folder does not say
            it, seeds only.

    Returns:
        ``(len(table),)`` in [0, 1]; NaN for incomplete candidates and where there are fewer than two seeds.
    """
    frequency = np.full(len(table), np.nan)
    rows = np.flatnonzero(table["complete"].to_numpy(dtype=bool) & (table["seeds"].to_numpy() >= 2))
    if not len(rows):
        return frequency
    chosen, numbers = table.iloc[rows], list(objectives)
    values, _ = seed_values(records, chosen, numbers)
    noise = None if images is None else _of_common_seeds(images.of_candidates(records, chosen, numbers), values)
    competing = rivals(table, mix_budgets=mix_budgets) if budget is None else [rivals_by_budget(table)[budget]]
    groups = [np.flatnonzero(group[rows]) for group in competing]
    networks, arms = (chosen[name].to_numpy(dtype=str) for name in ("network", "arm"))
    means = chosen[numbers].to_numpy(dtype=float)
    frequency[rows] = front_frequencies(values, networks, arms, objectives, groups, means=means, noise=noise, draws=draws)
    frequency[~np.any(competing, axis=0)] = np.nan
    return frequency


def _of_common_seeds(noise: Array, values: Array) -> Array:
    """Return the deviations of the seeds that all candidates have: some may have more, which images do not tell apart."""
    common = ~np.isnan(values).all(axis=2).any(axis=0)
    return noise[:, common] if common.any() else noise


def front_frequencies(
    values: Array,
    networks: NDArray[np.str_],
    arms: NDArray[np.str_],
    objectives: Mapping[str, Direction],
    groups: Sequence[NDArray[np.int64]],
    *,
    means: Array | None = None,
    noise: Array | None = None,
    draws: int = DRAWS,
) -> Array:
    """Return how often each candidate is on the front of at least one of its groups, ``(C,)``.

    Args:
        values: ``(C, S, M)`` what each seed measured, NaN where it is missing.
        networks: ``(C,)`` names.
        arms: ``(C,)`` names.
        objectives: the M columns and their directions.
        groups: positions of candidates that compete with each other.
        means: ``(C, M)`` what decides, adjusted for unequal seeds; the bare means unless given.
        noise: ``(C, S, M, R)`` deviations on R resampled sets of base images; None for seeds only.
        draws: how many times.
    """
    numbers = list(objectives)
    stream = np.random.default_rng(20240617)
    scatter = scatter_of(values, networks, [is_cost(name) for name in numbers], adjusted=means is not None)
    if noise is not None:
        scatter = scatter.with_images(noise)
    numbers_drawn, shifts = _noises(scatter, values, draws, stream), scatter.draw_shifts(draws, stream)
    means = np.nanmean(values, axis=1) if means is None else means
    place, arm = _log_cost(means, numbers), np.unique(arms, return_inverse=True)[1]
    hits = np.zeros((draws, len(values)), dtype=bool)
    for at in groups:
        drawn = shifts[:, scatter.network[at]]
        for network in np.unique(scatter.network[at]):
            own = np.flatnonzero(scatter.network[at] == network)
            who = at[own]
            for metric, name in enumerate(numbers):
                one, two, three = (drawn_number[:, who, metric] for drawn_number in numbers_drawn)
                mean, error = means[who, metric], scatter.error[who, metric]
                # A cost is what it is: nothing says that those of different methods agree.
                true = (
                    mean + error * one
                    if is_cost(name)
                    else draw_true_means(mean, error, place[who], arm[who], (one, two, three))
                )
                drawn[:, own, metric] += true
        signs = np.array([1.0 if way == "min" else -1.0 for way in objectives.values()])
        hits[:, at] |= fronts_of_draws(drawn * signs)
    return np.asarray(hits.mean(axis=0))


def _noises(scatter: Scatter, values: Array, draws: int, stream: np.random.Generator) -> tuple[Array, Array, Array]:
    """Return ``(draws, C, M)`` random numbers, two normal and one uniform; who measured the same has the same."""
    same = np.unique(np.nan_to_num(values).reshape(len(values), -1), axis=0, return_inverse=True)[1].ravel()
    shape = (draws, int(same.max()) + 1, values.shape[2])
    correlated = np.linalg.cholesky(scatter.together).T
    one, two = (stream.standard_normal(shape) @ correlated for _ in range(2))
    return one[:, same], two[:, same], stream.random(shape)[:, same]


def _log_cost(means: Array, numbers: list[str]) -> Array:
    """Return the logarithm of the first cost among the objectives; 0 for all where there is none."""
    for place, name in enumerate(numbers):
        if is_cost(name) and bool((means[:, place] > 0).all()):
            return np.log(means[:, place])
    return np.zeros(len(means))
