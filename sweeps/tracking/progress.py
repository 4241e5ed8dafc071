"""How a sweep gets on, as numbers over time: trials by state, candidates on the front, hypervolume to a stated point."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from prune_core.base.kinds import NEVER_FINE_TUNED
from prune_core.base.trial_folder import COMPLETE, DIVERGED, FAILED, STOPPED
from prune_core.metrics import Direction
from prune_core.metrics.quantities import is_cost, quantity_of
from sweeps.front.front import candidates, front, hypervolume
from sweeps.study.model import Study

REFERENCE_TAG = "prunefront.hypervolume_reference"
COST_MARGIN, OTHER_MARGIN = 0.1, 9.0
"""How far beyond the worst unpruned network the reference point lies, relative to it: costs, other open-ended columns."""


@dataclass(frozen=True)
class Axis:
    """One objective of the hypervolume.

    Attributes:
        column: that decides.
        direction: "min" or "max".
        ideal: the best possible value, which the volume is scaled by; where there is none, far beyond the unpruned networks.
        reference: the stated worst value; what is not better counts nothing.
    """

    column: str
    direction: Direction
    ideal: float
    reference: float


def axes(decisive: Mapping[str, Direction], records: pd.DataFrame) -> list[Axis]:
    """Return the reference point: the worst value there can be, or beyond the worst unpruned network where there is none.

    The best value, which the volume is a share of, likewise.

    Args:
        decisive: column -> direction.
        records: with those of every unpruned baseline, so that the point never moves.

    Returns:
        One axis per objective; none while a column has no baseline to start from.
    """
    unpruned = records[records["method"].eq("baseline") & records["status"].eq(COMPLETE)]
    found = []
    for column, direction in decisive.items():
        one = quantity_of(column)
        low, high = (None, None) if one is None else (one.low, one.high)
        ideal, worst = (low, high) if direction == "min" else (high, low)
        sign = 1.0 if direction == "min" else -1.0
        losses = sign * unpruned[column].dropna().astype(float)
        if losses.empty and (ideal is None or worst is None):
            return []
        if worst is None:
            edge = float(losses.max())
            worst = sign * (edge + abs(edge) * (COST_MARGIN if is_cost(column) else OTHER_MARGIN))
        if ideal is None:
            edge = float(losses.min())
            ideal = sign * (edge - abs(edge) * OTHER_MARGIN)
        found.append(Axis(column, direction, ideal, worst))
    return found


def reference_text(found: Sequence[Axis]) -> str:
    """Return the reference point in words, as it is stated beside the numbers."""
    return ", ".join(f"{axis.column} {axis.reference:.12g}" for axis in found)


def volumes(study: Study, records: pd.DataFrame, found: Sequence[Axis]) -> dict[str, float]:
    """Return the hypervolume and the candidates on the front, by budget: plain names are those of the longest one.

    The volume is a share of the box between the reference point and the ideal one, in [0, 1]. Only complete candidates
    count.
    """
    table = candidates(records, study.decisive, seeds=study.seeds)
    values = table[[axis.column for axis in found]].to_numpy(dtype=float)
    ideal, worst = np.array([axis.ideal for axis in found]), np.array([axis.reference for axis in found])
    losses = np.maximum((values - ideal) / np.where(worst == ideal, 1.0, worst - ideal), 0.0)
    everywhere = table["method"].isin(NEVER_FINE_TUNED).to_numpy(dtype=bool)
    result = {}
    for budget in study.budgets:
        rivals = np.flatnonzero(everywhere | table["budget"].eq(budget).to_numpy(dtype=bool))
        on = rivals[front(table.iloc[rivals].reset_index(drop=True), study.decisive, mix_budgets=True)]
        tail = "" if budget == study.budgets[-1] else f"_b{budget}"
        result[f"on_front{tail}"] = float(len(on))
        result[f"hypervolume{tail}"] = hypervolume(losses[on], np.ones(len(found)), ["min"] * len(found)) if len(on) else 0.0
    return {name: value for name, value in result.items() if math.isfinite(value)}


def counts(statuses: Iterable[str]) -> dict[str, float]:
    """Return trials by state; of the bad ones only those that there are."""
    by_status = Counter(statuses)
    return {"trials_complete": float(by_status[COMPLETE])} | {
        f"trials_{name}": float(by_status[name]) for name in (FAILED, DIVERGED, STOPPED) if by_status[name]
    }
