"""The three figures by pruning ratio, computed and drawn for the page: one per network, one panel per quantity."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dashboards import labels
from dashboards.analysis.points import Points, rows_of
from dashboards.analysis.ratio_panels import RatioFigure, ratio_figures
from dashboards.figures.front import FRAME, axis
from dashboards.figures.palette import Look, looks, order
from prune_core.base.kinds import DENSE, REFERENCES, SCRATCH

UNDRAWN = (DENSE, SCRATCH)
"""Methods that have no line by ratio: other networks, and networks that were not fine-tuned."""

Figure = dict[str, Any]


@dataclass(frozen=True)
class Curve:
    """One method on one network at one budget: rows by ratio, from the control at ratio 0 on where there is one."""

    network: str
    method: str
    arm: str
    budget: int
    rows: pd.DataFrame

    @property
    def own_base(self) -> bool:
        """Whether the arm has a name of its own: a second baseline of the network (slimming's), or a labelled arm."""
        return self.arm not in (self.network, f"{self.network}-{self.method}")


def curves(points: Points) -> list[Curve]:
    """Return the curves of a study; references (baseline, control, dense ladder) are single points."""
    columns = [name for which in ratio_figures() for name in which.columns]
    table = points.complete[
        ["arm", "network", "method", "ratio", "budget", "place", *columns, *(f"{name}_std" for name in columns)]
    ]
    found = []
    for _, rows in table.sort_values("ratio").groupby(["network", "method", "budget", "arm"], sort=True):
        first = rows_of(rows)[0]
        found.append(Curve(first.network, first.method, first.arm, int(first.budget), rows))
    return found


def networks_of(points: Points) -> list[str]:
    """Return the networks that have a pruned candidate: the rows of the figures."""
    table = points.complete
    return sorted(table.loc[~table["method"].isin(REFERENCES), "network"].unique())


def ratio_figure(points: Points, all_curves: list[Curve], which: RatioFigure, network: str) -> Figure | None:
    """Return one figure of one network as a plotly figure (plain data), or None where it has no numbers."""
    chosen = [curve for curve in all_curves if curve.network == network]
    names = [name for name in which.columns if any(curve.rows[name].notna().any() for curve in chosen)]
    if not names:
        return None
    look = looks(points.complete["method"].unique())
    aside = beside(chosen)
    drawn = [curve for method in order(look) for curve in chosen if curve.method == method and method not in UNDRAWN]
    traces = [
        _trace(curve, name, panel, look[curve.method], aside.get(curve.arm, 0.0))
        for panel, name in enumerate(names, start=1)
        for curve in drawn
    ]
    layout = _layout(names, chosen)
    layout["meta"]["legend"] = [_entry(curve, look[curve.method]) for curve in drawn]
    return {"data": traces, "layout": layout}


def beside(chosen: list[Curve]) -> dict[str, float]:
    """Return how far each arm's points stand beside their ratio, so that the bars of two methods do not hide each other."""
    arms = sorted({curve.arm for curve in chosen if curve.method not in REFERENCES})
    step = min(0.012, 0.05 / max(1, len(arms) - 1))
    return {arm: round(step * (place - (len(arms) - 1) / 2), 4) for place, arm in enumerate(arms)}


def _trace(curve: Curve, name: str, panel: int, look: Look, aside: float) -> Figure:
    rows = curve.rows.dropna(subset=[name])
    tail = str(panel) if panel > 1 else ""
    trace: Figure = {
        "type": "scatter",
        "name": labels.safe(_label(curve)),
        "xaxis": f"x{tail}",
        "yaxis": f"y{tail}",
        "hovertemplate": "%{text}<extra></extra>",
        "meta": {"budget": curve.budget, "method": curve.method, "line": f"{curve.arm} {curve.method} {curve.budget}"},
    }
    if curve.method in REFERENCES:
        # A reference has no ratio to speak of: it is a line across the panel.
        value = float(rows[name].iloc[0]) if len(rows) else None
        return trace | {
            "mode": "lines",
            "x": [0, 1],
            "y": [value, value],
            "text": rows["place"].tolist() * 2,
            "line": {"color": _ink(curve, look), "width": 1.5, "dash": _dash(curve)},
        }
    return trace | {
        "mode": "lines+markers",
        "x": (rows["ratio"] + aside).round(4).tolist(),
        "y": rows[name].tolist(),
        "text": rows["place"].tolist(),
        "error_y": {
            "type": "data",
            "array": rows[f"{name}_std"].fillna(0).tolist(),
            "color": look.colour,
            "thickness": 1.2,
            "width": 2,
        },
        "line": {"color": look.colour, "width": 2},
        "marker": {"symbol": look.symbol, "color": look.colour, "size": 8},
    }


def _ink(curve: Curve, look: Look) -> str:
    return "@muted" if curve.own_base and curve.method in REFERENCES else look.colour


def _dash(curve: Curve) -> str:
    return {"baseline": "dot", "control": "dash"}.get(curve.method, "solid")


def _entry(curve: Curve, look: Look) -> Figure:
    """Return the curve's entry in the page's legend."""
    symbol = None if curve.method in REFERENCES else look.symbol
    key = f"{curve.arm} {curve.method} {curve.budget}"
    return {
        "kind": "line",
        "key": key,
        "label": _label(curve),
        "symbol": symbol,
        "colour": _ink(curve, look),
        "dash": _dash(curve),
    }


def _label(curve: Curve) -> str:
    own = f" ({curve.arm})" if curve.own_base else ""
    if curve.method == "baseline":
        return f"baseline{own}, unpruned"
    return f"{curve.method}{own}, {labels.epochs(curve.budget)}"


def _layout(names: list[str], chosen: list[Curve]) -> Figure:
    # Panels of one quantity at five severities share their y axis; different quantities do not.
    shared = len({labels.stem(name) for name in names}) == 1
    meta: Figure = {"columns": len(names), "least": 170 if shared else 270, "tall": 290, "paper": 130, "shared": shared}
    layout: Figure = {"hovermode": "closest", "meta": meta}
    ratios = pd.concat(
        [curve.rows["ratio"] for curve in chosen if curve.method not in REFERENCES] or [pd.Series(dtype=float)]
    )
    right = min(1.0, float(ratios.max()) + 0.05) if len(ratios) else 1.0
    for panel, name in enumerate(names, start=1):
        tail = str(panel) if panel > 1 else ""
        layout[f"xaxis{tail}"] = {
            "title": {"text": "pruning ratio", "standoff": 8},
            "anchor": f"y{tail}",
            "range": [0, right],
            "zeroline": False,
            "tickformat": ".2~f",
        }
        layout[f"yaxis{tail}"] = axis(name) | {"anchor": f"x{tail}"}
        if window := _window(chosen, names if shared else [name]):
            layout[f"yaxis{tail}"]["range"] = window
        if shared and tail:
            layout[f"yaxis{tail}"] |= {"matches": "y"}
    if shared:
        meta["titles"] = [f"severity {name[-1]}" for name in names]
    return layout


def _window(chosen: list[Curve], names: list[str]) -> list[float] | None:
    """Return a range that shows what is near the references; a collapsed network must not squeeze it."""
    best = max((float(curve.rows["accuracy"].max()) for curve in chosen if curve.method in REFERENCES), default=math.nan)
    near = [curve.rows[~(curve.rows["accuracy"] < best - FRAME)] for curve in chosen]
    lows = [float((rows[name] - rows[f"{name}_std"].fillna(0)).min()) for rows in near for name in names if len(rows)]
    highs = [float((rows[name] + rows[f"{name}_std"].fillna(0)).max()) for rows in near for name in names if len(rows)]
    low, high = min((v for v in lows if v == v), default=math.nan), max((v for v in highs if v == v), default=math.nan)
    if not low < high:
        return None
    margin = 0.07 * (high - low)
    return [low - margin, high + margin]
