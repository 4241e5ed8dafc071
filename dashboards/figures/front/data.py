"""The front figure's data: which panels there are, what frames them, and every candidate by name."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from dashboards.analysis.columns import panel_columns
from dashboards.analysis.points import Points, rows_of
from prune_core.base.kinds import REFERENCES
from prune_core.metrics.quantities import quantity_of
from sweeps.front.names import folder_name, title_of

FRAME = 0.1
"""Accuracy lost against the best reference from which on a network may leave the frame, so as not to squeeze the others."""


def panels(points: Points, *, unfinished: bool = False) -> list[str]:
    """Return what stands on the x axes: the panels, and what the study's objectives and limits ask for, with numbers."""
    table = points.table if unfinished else points.complete
    wanted = dict.fromkeys([*panel_columns(), *(name for name in points.asked if name != "accuracy")])
    return [name for name in wanted if name in table and table[name].notna().any()]


def direction(name: str) -> str:
    """Return which way is better on an x axis, ``min`` or ``max``: the front of each panel is drawn as steps."""
    found = quantity_of(name)
    return "max" if found is not None and found.direction == "max" else "min"


def marker_size(compression: float) -> float:
    """Return the marker's diameter in pixels: 9 for the unpruned size, 2.5 more for each halving, at most 22."""
    if not compression > 0:
        return 9.0
    return round(min(22.0, 9.0 + 2.5 * max(0.0, math.log2(compression))), 2)


def view(table: pd.DataFrame, column: str, *, log: bool = False) -> list[float] | None:
    """Return the range of an axis that shows what matters: the front and the references, not collapsed; None for all."""
    references = table[table["method"].isin(REFERENCES)]
    best = (references if len(references) else table)["accuracy"].max()
    shown = table[(table["front"] | table["method"].isin(REFERENCES)) & table["accuracy"].ge(best - FRAME)]
    values, spreads = shown[column], shown[f"{column}_std"].fillna(0)
    if values.notna().sum() < 2:
        return None
    ends = [float((values - spreads).min()), float((values + spreads).max())]
    low, high = [math.log10(end) for end in ends] if log and ends[0] > 0 else ends
    margin = 0.06 * (high - low or abs(high) or 1.0)
    found = [low - margin, high + margin]
    return [10**end for end in found] if log and ends[0] > 0 else None if log else found


def grid(count: int) -> tuple[int, int]:
    """Return rows and columns of panels on paper: a row for up to three, beyond that two columns."""
    return (1, max(1, count)) if count <= 3 else (-(-count // 2), 2)


def candidate_columns(points: Points) -> dict[str, list[Any]]:
    """Return what the page's script filters and sorts by: name -> one value per candidate, by its place.

    Returns:
        ``name`` (what ``export --pick`` takes), ``network``, ``method``, ``budget`` (epochs), ``front`` (on it at its
        budget), ``front_at`` (the budgets on whose front it is), ``within`` (the limits), ``collapsed``, ``complete``
        (has every seed), ``accuracy_percent`` and ``nonzero_parameters`` (means; 0 where unknown).
    """
    table = points.table
    plain = ("network", "method", "budget", "front", "within", "collapsed", "complete")
    columns: dict[str, list[Any]] = {name: table[name].tolist() for name in plain}
    columns["name"] = [folder_name(title_of(row._asdict())) for row in rows_of(table)]
    columns["front_at"] = [list(budgets) for budgets in table["front_at"]]
    # Rounded far below what anybody types into a filter, so that 29 % is no 28.999999999999996 %.
    columns["accuracy_percent"] = (100 * table["accuracy"]).round(9).fillna(0).tolist()
    columns["nonzero_parameters"] = table["nonzero_parameters"].fillna(0).round().tolist()
    return columns
