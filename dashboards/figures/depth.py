"""Reliability diagrams and the heat map of damage, for the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dashboards import labels
from dashboards.analysis.calibration_and_damage import Depth
from prune_core.metrics.calibration import Reliability

Figure = dict[str, Any]
STATES = (("as trained", "@c0", "circle"), ("after temperature scaling", "@c1", "diamond"))


def reliability_figure(depths: Sequence[Depth]) -> Figure:
    """Return one reliability diagram per candidate: raw, after temperature scaling, and the diagonal."""
    traces: list[Figure] = []
    layout = _layout([depth.name for depth in depths], tall=300, left=62)
    layout["meta"]["legend"] = [
        {"kind": "line", "key": name, "label": name, "symbol": symbol, "colour": colour, "dash": "solid"}
        for name, colour, symbol in STATES
    ] + [{"kind": "note", "label": "perfect calibration", "symbol": None, "colour": "@muted", "dash": "dot"}]
    for panel, depth in enumerate(depths, start=1):
        tail = str(panel) if panel > 1 else ""
        place = {"xaxis": f"x{tail}", "yaxis": f"y{tail}", "type": "scatter"}
        diagonal = {"x": [0, 1], "y": [0, 1], "mode": "lines", "name": "perfect", "hoverinfo": "skip", "meta": {}}
        traces.append(place | diagonal | {"line": {"color": "@muted", "width": 1, "dash": "dot"}})
        for (name, colour, symbol), bins in zip(STATES, (depth.raw, depth.scaled), strict=True):
            marker = {"color": colour, "symbol": symbol, "size": sizes(bins)}
            line = {"name": name, "line": {"color": colour, "width": 2}, "marker": marker, "meta": {"line": name}}
            traces.append(place | _diagram(bins) | line)
        layout[f"xaxis{tail}"] |= {"range": [0, 1.02], "title": {"text": "confidence", "standoff": 8}, "tickformat": ".0%"}
        layout[f"yaxis{tail}"] |= {"range": [0, 1.02], "title": {"text": "accuracy", "standoff": 8}, "tickformat": ".0%"}
    return {"data": traces, "layout": layout}


def sizes(bins: Reliability) -> list[float]:
    """Return the markers' diameters: by the share of predictions, so that a nearly empty bin does not shout."""
    known = [float(count) for count in bins.count if count > 0]
    return [round(4 + 9 * math.sqrt(count / max(known)), 1) for count in known]


def _diagram(bins: Reliability) -> Figure:
    at = [place for place, count in enumerate(bins.count) if count > 0]
    text = [
        f"{int(bins.count[i])} predictions<br>confidence {bins.confidence[i]:.3f}, accuracy {bins.accuracy[i]:.3f}"
        for i in at
    ]
    return {
        "mode": "lines+markers",
        "x": [float(bins.confidence[i]) for i in at],
        "y": [float(bins.accuracy[i]) for i in at],
        "hovertext": text,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def damage_figure(depths: Sequence[Depth]) -> Figure | None:
    """Return the damage by corruption and severity against the control, one heat map per candidate; None without any."""
    shown = [depth for depth in depths if depth.corruptions]
    if not shown:
        return None
    tall = 24 * max(len(depth.corruptions) for depth in shown)
    layout = _layout([depth.name for depth in shown], tall=tall, left=130)
    reach = 100 * max(float(np.abs(depth.damage).max()) for depth in shown) or 1.0
    traces: list[Figure] = []
    for panel, depth in enumerate(shown, start=1):
        tail = str(panel) if panel > 1 else ""
        points = (100 * depth.damage).round(1) + 0.0  # no negative zero
        traces.append(
            {
                "type": "heatmap",
                "z": points.tolist(),
                "x": [str(s + 1) for s in range(points.shape[1])],
                "y": [labels.safe(name.replace("_", " ")) for name in depth.corruptions],
                "xaxis": f"x{tail}",
                "yaxis": f"y{tail}",
                "zmin": -reach,
                "zmax": reach,
                "colorscale": [[0, "@c1"], [0.5, "@paper"], [1, "@c0"]],
                "showscale": False,
                "texttemplate": "%{z:+.1f}",
                "hovertemplate": "%{y}, severity %{x}: %{z:+.1f} points<extra></extra>",
                "xgap": 1,
                "ygap": 1,
                "meta": {},
            }
        )
        layout[f"xaxis{tail}"] |= {"title": {"text": "severity", "standoff": 8}, "type": "category"}
        layout[f"yaxis{tail}"] |= {"autorange": "reversed", "type": "category"}
    return {"data": traces, "layout": layout}


def class_rows(depths: Sequence[Depth]) -> list[tuple[str, list[str]]]:
    """Return for each candidate its difference in accuracy to the control by class, as text."""
    return [
        (depth.name, ["–" if math.isnan(value) else f"{100 * value:+.1f}" for value in depth.classes]) for depth in depths
    ]


def selective_rows(depths: Sequence[Depth]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return for each candidate and its control the coverage and the accepted error, clean and by severity, as text."""
    return [
        (name, [(f"{100 * one.coverage:.1f} %", f"{100 * one.accepted_error:.1f} %") for one in found.values()])
        for depth in depths
        for name, found in ((depth.name, depth.selective), ("its control", depth.control_selective))
        if found
    ]


def _layout(titles: list[str], *, tall: int, left: int) -> Figure:
    meta: Figure = {"columns": len(titles), "least": 330, "tall": tall, "paper": min(tall, 300), "left": left}
    meta |= {"shared": True, "across": 34, "titles": titles, "legend": []}
    layout: Figure = {"hovermode": "closest", "meta": meta}
    for panel in range(1, len(titles) + 1):
        tail = str(panel) if panel > 1 else ""
        layout[f"xaxis{tail}"] = {"anchor": f"y{tail}", "zeroline": False, "automargin": True}
        layout[f"yaxis{tail}"] = {"anchor": f"x{tail}", "zeroline": False, "automargin": True}
    return layout
