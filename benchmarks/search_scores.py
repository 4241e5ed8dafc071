"""What a search found, in numbers: its share of the hypervolume, how soon it had most of it, and what it would recommend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import pandas as pd

from benchmarks.search_truth import Truth, World
from sweeps.front.demands import MARGIN
from sweeps.search.space import Candidate
from sweeps.study.values import Limit

NEARLY_ALL = 0.95
"""The share of the hypervolume at which a search has found most of what there is."""


def trials_to(truth: Truth, order: Sequence[str], share: float = NEARLY_ALL) -> int | None:
    """Return how many of a search's candidates, in its order, it took to reach a share; None where it did not."""
    low, high = 1, len(order) + 1
    while low < high:  # more candidates never have less
        middle = (low + high) // 2
        if truth.share(order[:middle]) >= share:
            high = middle
        else:
            low = middle + 1
    return low if low <= len(order) else None


@dataclass(frozen=True)
class Recommendation:
    """What the report's first answer would be: the smallest network that keeps what is demanded.

    Attributes:
        key: the candidate; None where none seems to qualify.
        kept: whether it keeps the demand on the numbers that score it.
        regret: what it costs more than the smallest that does, in shares of the unpruned network's cost. A network that does
            not keep the demand, or none, leaves the user with the unpruned one, which costs 1.
    """

    key: str | None
    kept: bool
    regret: float


def recommended(
    world: World, keys: Sequence[str], told: int, more: Mapping[str, Sequence[int]] | None = None
) -> Recommendation | None:
    """Return what the report would recommend of the candidates tried, chosen by one seed and scored by the others.

    Args:
        world: the grid; its seeds but the told one score.
        keys: of the candidates tried.
        told: the seed that chooses.
        more: further seeds that some candidates were told with, by key.

    Returns:
        None where the grid does not say what the question needs.
    """
    demands = _demands(world)
    cost = _cost(world)
    if not demands or cost not in world.table or cost not in world.unpruned:
        return None
    longest = world.study.budgets[-1]
    columns = list(dict.fromkeys([*(limit.column for limit in demands), cost]))
    chosen_by = world.means(columns, [told])
    for key, seeds in (more or {}).items():
        chosen_by.loc[key] = world.means(columns, [told, *seeds]).loc[key]
    others = [seed for seed in world.seeds if seed != told]
    scored_by = world.means(dict.fromkeys(map(world.scoring_column, columns)), others)
    there = [replace(limit, column=world.scoring_column(limit.column)) for limit in demands]
    at_longest = [key for key in world.keys if Candidate.from_key(key).budget == longest]
    best = min([1.0, *(_relative(world, scored_by, key, cost) for key in _able(scored_by, there, at_longest))])
    able = _able(chosen_by, demands, [key for key in keys if key in set(at_longest)])
    if not able:
        return Recommendation(None, False, 1.0 - best)
    chosen = min(able, key=lambda key: (_number(chosen_by, key, cost), key))
    kept = bool(_able(scored_by, there, [chosen]))
    return Recommendation(chosen, kept, (_relative(world, scored_by, chosen, cost) if kept else 1.0) - best)


def _demands(world: World) -> tuple[Limit, ...]:
    """Return what the report demands of a recommended network: the limits, else accuracy near the control's."""
    study = world.study
    if study.parsed_limits:
        return study.parsed_limits
    near = "delta_accuracy" if study.select_on == "report" else "delta_val_accuracy"
    margin = study.margins.get("accuracy", study.margins.get("val_accuracy", MARGIN))
    return (Limit(near, ">=", -margin),) if near in world.table else ()


def _cost(world: World) -> str:
    objectives = world.study.objectives
    return (
        "nonzero_macs" if "nonzero_macs" in objectives and "nonzero_parameters" not in objectives else "nonzero_parameters"
    )


def _able(means: pd.DataFrame, demands: Sequence[Limit], keys: Sequence[str]) -> list[str]:
    there = [key for key in keys if key in means.index]
    return [key for key in there if all(limit.holds(_number(means, key, limit.column)) for limit in demands)]


def _relative(world: World, means: pd.DataFrame, key: str, cost: str) -> float:
    return min(1.0, _number(means, key, cost) / world.unpruned[cost])


def _number(means: pd.DataFrame, key: str, column: str) -> float:
    return cast(float, means.at[key, column])
