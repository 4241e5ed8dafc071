"""What would change the answer: the nearest limits at which another network is recommended, each tried on the table."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from dashboards import labels
from dashboards.analysis.points import Points, rows_of
from dashboards.reading.study_folder import StudyFolder
from prune_core.base.kinds import REFERENCES
from prune_core.metrics.quantities import direction_of, is_cost, title_of
from sweeps.front.demands import recommended_columns
from sweeps.front.recommended import recommend_by
from sweeps.study.deciding import deciding_column
from sweeps.study.values import Limit

STEP = 0.001
"""Limits are named in steps of a tenth of a percentage point, or as much of a number that is no share."""
_SHOWN = 2
_IDENTITY = ("arm", "network", "method", "ratio", "budget", "complete", "place")


@dataclass(frozen=True)
class Turn:
    """One limit, and what is recommended with it.

    Attributes:
        demand: the limit; it replaces that on the same column, or stands beside those of the study.
        row: who wins then; None where nothing qualifies any more.
        away: how far the demand is from what holds today.
        sentence: the same in words.
    """

    demand: Limit
    row: Any | None
    away: float
    sentence: str


def turns(study: StudyFolder, points: Points) -> list[Turn]:
    """Return the limits at which another network is recommended, nearest first: at most one tighter and one looser each.

    Tried are the columns that are demanded today, and the difference to the control in what the study decides by.
    """
    found = points.recommended
    if found.outcome not in ("pruned", "dense") or found.row is None:
        return []
    demanded = {one.column: one for one in found.demands if not is_cost(one.column)}
    tried = [_free(column) for column in _decided_by(study, points) if column not in demanded]
    result = []
    for demand in [*demanded.values(), *(one for one in tried if one.column in found.row)]:
        own = _own(points, demand.column)
        if math.isnan(own):
            continue
        for looser in (False, True):
            turn = _nearest(study, points, demand, own, looser=looser)
            if turn is not None:
                result.append(turn)
    return sorted(result, key=lambda one: (one.away, one.demand.column))[:_SHOWN]


def _own(points: Points, column: str) -> float:
    """Return the recommended network's number; what was never pruned has no control, so it is held against the answer's."""
    row, control = points.recommended.row or {}, points.recommended.control
    metric = column.removeprefix("delta_")
    if points.recommended.outcome == "dense" and metric != column and control is not None:
        return float(row.get(metric, math.nan)) - float(control.get(metric, math.nan))
    return float(row.get(column, math.nan))


def wins_when(study: StudyFolder, points: Points, row: Any, column: str) -> str:
    """Return the limit on a column at which an alternative is recommended, in words; that there is none, otherwise."""
    value = float(getattr(row, column, math.nan))
    if math.isnan(value):
        return ""
    best = direction_of(column) == "max"
    bound = _rounded(value, down=best)
    demand = Limit(column, ">=" if best else "<=", bound)
    narrow = _narrow(study, points, [column])
    won = _with(study, points, narrow, demand)
    if won is not None and won == row.place:
        return f"Ask for {_asks(demand)}: then it is the answer."
    others = [one for one in points.recommended.demands if one.column != column]
    missed = [one for one in others if not one.holds(float(getattr(row, one.column, math.nan)))]
    none = f"No limit on {title_of(column)}"
    if missed:
        return f"{none} makes it the answer: it does not keep what else is asked, {' and '.join(map(_asks, missed))}."
    # its own number is the strictest limit that it meets
    own = _with(study, points, narrow, replace(demand, value=value))
    if own is None or own == row.place:
        step = labels.number(STEP, f"delta_{column.removeprefix('val_')}", sign=True).lstrip("+")
        return f"{none} in steps of {step} makes it the answer: others meet those that it meets."
    (other,) = rows_of(points.table[points.table["place"].eq(own)])
    return f"{none} makes it the answer: {labels.candidate(other)} meets each that it meets, with {_size(points, other)}."


def _nearest(study: StudyFolder, points: Points, demand: Limit, own: float, *, looser: bool) -> Turn | None:
    """Return the nearest tighter or looser bound at which another network is recommended; None where there is none."""
    if looser and math.isinf(demand.value):
        return None
    up = demand.comparison.startswith(">")
    table = points.at_longest()
    values = table.loc[~table["method"].isin(REFERENCES) & ~table["collapsed"], demand.column].dropna().astype(float)
    # a network enters at its own value, rounded so that it does; the recommended one leaves just beyond its own
    entering = {_rounded(value, down=up) for value in values if not demand.holds(value)}
    bounds = entering if looser else {_beyond(own, up=up)}
    current = points.recommended.row
    narrow = _narrow(study, points, [demand.column])
    for bound in sorted(bounds, key=lambda one: abs(one - (own if math.isinf(demand.value) else demand.value))):
        changed = replace(demand, value=bound, comparison=">=" if up else "<=")
        place = _with(study, points, narrow, changed)
        if place is None and looser:
            continue
        if place is None or current is None or place != current["place"]:
            row = None if place is None else rows_of(points.table[points.table["place"].eq(place)])[0]
            # how far from the bound of today, or from the number itself where nothing is demanded of it
            away = abs(bound - (own if math.isinf(demand.value) else demand.value))
            return Turn(changed, row, away, _sentence(points, changed, row, looser=looser))
    return None


def _with(study: StudyFolder, points: Points, table: pd.DataFrame, demand: Limit) -> int | None:
    """Return the place of who is recommended with a demand, None where nobody is; `table` is of `_narrow`."""
    others = tuple(one for one in points.recommended.demands if one.column != demand.column)
    found = recommend_by(table, study.objectives, (*others, demand), study.select_on)
    return None if found.row is None else int(found.row["place"])


def _narrow(study: StudyFolder, points: Points, tried: Iterable[str]) -> pd.DataFrame:
    """Return the candidates with the few columns that decide: the whole table is copied for each limit that is tried."""
    known = points.table.columns
    decide = recommended_columns(known, study.objectives, study.limits, study.margins, study.select_on)
    demanded = [one.column for one in points.recommended.demands]
    names = dict.fromkeys([*_IDENTITY, *decide, *demanded, *tried])
    measured = [name.removeprefix("delta_") for name in names]  # what a rung of a dense ladder is compared by
    return points.table[[name for name in dict.fromkeys([*names, *measured]) if name in known]]


def _sentence(points: Points, demand: Limit, row: Any | None, *, looser: bool) -> str:
    asked = f"{'Allow' if looser else 'Ask for'} {_asks(demand)}"
    if row is None:
        return f"{asked}: no network qualifies."
    return f"{asked}: {labels.candidate(row)}, {_size(points, row)}."


def _size(points: Points, row: Any) -> str:
    cost = points.recommended.cost
    size = labels.number(getattr(row, cost), cost)
    return size if size.endswith("B") else f"{size} {title_of(cost)}"


def _asks(demand: Limit) -> str:
    """Return a demand in words: "at most 0.4 points of accuracy lost", "ECE of at most 0.0200"."""
    column, value = demand.column, demand.value
    metric = column.removeprefix("delta_").removeprefix("val_")
    most = "at most" if demand.comparison.startswith("<") else "at least"
    if not column.startswith("delta_"):
        where = " on the selection images" if column.startswith("val_") else ""  # cards show the report images
        return f"{labels.title(metric)} of {most} {labels.number(value, metric)}{where}"
    amount = labels.number(abs(value), column, sign=True).lstrip("+")
    if most == "at least" and value <= 0:
        return f"at most {amount} of {labels.title(metric)} lost"
    if most == "at most" and value < 0:
        return f"{labels.title(metric)} at least {amount} below the control's"
    return f"{labels.title(metric)} {most} {amount} above the control's"


def _decided_by(study: StudyFolder, points: Points) -> Iterable[str]:
    """Return the differences to the control, on the images that select, of the metrics that the study decides by."""
    names = [name for name in study.objectives if not is_cost(name)]
    columns = [deciding_column(f"delta_{name}", points.table.columns, study.select_on) for name in names]
    return [name for name in columns if name in points.table and points.table[name].notna().any()]


def _free(column: str) -> Limit:
    """Return the demand of a column that anything meets."""
    best = direction_of(column.removeprefix("delta_").removeprefix("val_")) == "max"
    return Limit(column, ">=" if best else "<=", -math.inf if best else math.inf)


def _rounded(value: float, *, down: bool) -> float:
    """Return the nearest step that a value meets: at or below it, or at or above it."""
    near = round(value / STEP)
    if abs(value / STEP - near) < 1e-6:
        return value
    return float(np.round((math.floor(value / STEP) if down else math.ceil(value / STEP)) * STEP, 9))


def _beyond(value: float, *, up: bool) -> float:
    """Return the nearest step that a value no longer meets: above it, or below it."""
    near = round(value / STEP)
    if abs(value / STEP - near) < 1e-6:
        return float(np.round((near + (1 if up else -1)) * STEP, 9))
    return float(np.round((math.ceil(value / STEP) if up else math.floor(value / STEP)) * STEP, 9))
