"""The three figures by pruning ratio, for the page: one per network, one panel per quantity."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from dashboards import labels
from dashboards.analysis.points import Points
from dashboards.analysis.ratio_panels import RatioFigure
from dashboards.figures.front.data import FRAME
from dashboards.figures.front.interactive import axis
from dashboards.figures.page_style import Arrangement, Figure, LegendEntry, axes_of, suffix
from dashboards.figures.palette import Look, looks, order
from dashboards.figures.ratio.curves import UNDRAWN, Curve, arm_offsets, panels
from prune_core.base.kinds import REFERENCES


def ratio_figure(points: Points, all_curves: list[Curve], which: RatioFigure, network: str) -> Figure | None:
    """Return one figure of one network as a plotly figure (plain data), or None where it has no numbers."""
    chosen = [curve for curve in all_curves if curve.network == network]
    names = panels(chosen, which)
    if not names:
        return None
    look = looks(points.complete["method"].unique())
    aside = arm_offsets(chosen)
    drawn = [curve for method in order(look) for curve in chosen if curve.method == method and method not in UNDRAWN]
    traces = [
        _trace(curve, name, panel, look[curve.method], aside.get(curve.arm, 0.0))
        for panel, name in enumerate(names, start=1)
        for curve in drawn
    ]
    legend = tuple(_entry(curve, look[curve.method]) for curve in drawn)
    return {"data": traces, "layout": _layout(names, chosen, legend)}


def _trace(curve: Curve, name: str, panel: int, look: Look, aside: float) -> Figure:
    rows = curve.measured(name)
    trace: Figure = axes_of(panel) | {
        "type": "scatter",
        "name": labels.safe(_label(curve)),
        "hovertemplate": "%{text}<extra></extra>",
        "meta": {"budget": curve.budget, "method": curve.method, "line": _key(curve)},
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


def _key(curve: Curve) -> str:
    """Return what joins a curve's traces to its entry in the legend."""
    return f"{curve.arm} {curve.method} {curve.budget}"


def _entry(curve: Curve, look: Look) -> LegendEntry:
    """Return the curve's entry in the page's legend."""
    symbol = None if curve.method in REFERENCES else look.symbol
    ink, dash = _ink(curve, look), _dash(curve)
    return LegendEntry(kind="line", key=_key(curve), label=_label(curve), symbol=symbol, colour=ink, dash=dash)


def _label(curve: Curve) -> str:
    own = f" ({curve.arm})" if curve.own_base else ""
    if curve.method == "baseline":
        return f"baseline{own}"
    return f"{curve.method}{own}, {labels.epochs(curve.budget)}"


def _layout(names: list[str], chosen: list[Curve], legend: tuple[LegendEntry, ...]) -> Figure:
    # Panels of one quantity at five severities share their y axis; different quantities do not.
    shared = len({labels.stem(name) for name in names}) == 1
    arrangement = Arrangement(
        columns=len(names),
        least=170 if shared else 270,
        tall=290,
        paper=130,
        shared=shared,
        legend=legend,
        titles=tuple(f"severity {name[-1]}" for name in names) if shared else None,
    )
    layout: Figure = {"hovermode": "closest", "meta": arrangement.plain()}
    ratios = pd.concat(
        [curve.rows["ratio"] for curve in chosen if curve.method not in REFERENCES] or [pd.Series(dtype=float)]
    )
    right = min(1.0, float(ratios.max()) + 0.05) if len(ratios) else 1.0
    for panel, name in enumerate(names, start=1):
        tail = suffix(panel)
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
    return layout


def _window(chosen: list[Curve], names: list[str]) -> list[float] | None:
    """Return a range that shows what is near the references; a collapsed network must not squeeze it."""
    best = max((float(curve.rows["accuracy"].max()) for curve in chosen if curve.method in REFERENCES), default=math.nan)
    lows, highs = [], []
    for curve in chosen:
        shown = ~(curve.rows["accuracy"].to_numpy(dtype=float) < best - FRAME)
        for name in names:
            value, spread = (curve.rows[column].to_numpy(dtype=float)[shown] for column in (name, f"{name}_std"))
            spread, known = np.nan_to_num(spread), ~np.isnan(value)
            if known.any():
                lows.append(float((value - spread)[known].min()))
                highs.append(float((value + spread)[known].max()))
    low, high = min(lows, default=math.nan), max(highs, default=math.nan)
    if not low < high:
        return None
    margin = 0.07 * (high - low)
    return [low - margin, high + margin]
