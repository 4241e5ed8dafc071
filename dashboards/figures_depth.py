"""Reliability diagrams and the heat map of damage, for the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dashboards import labels
from dashboards.depth import Depth
from prune_core.metrics.calibration import Reliability

Figure = dict[str, Any]


def reliability_figure(depths: Sequence[Depth]) -> Figure:
    """Return one reliability diagram per candidate: raw, after temperature scaling, and the diagonal."""
    traces: list[Figure] = []
    layout = _layout(len(depths), 400)
    for panel, depth in enumerate(depths, start=1):
        tail = str(panel) if panel > 1 else ""
        place = {"xaxis": f"x{tail}", "yaxis": f"y{tail}", "showlegend": panel == 1, "type": "scatter"}
        diagonal = {"x": [0, 1], "y": [0, 1], "mode": "lines", "name": "perfect", "hoverinfo": "skip"}
        traces.append(place | diagonal | {"line": {"color": "@muted", "width": 1, "dash": "dot"}})
        for name, bins, colour, symbol in (
            ("as trained", depth.raw, "@c0", "circle"),
            ("after temperature scaling", depth.scaled, "@c1", "diamond"),
        ):
            marker = {"color": colour, "symbol": symbol, "size": _sizes(bins)}
            traces.append(place | _diagram(bins) | {"name": name, "line": {"color": colour, "width": 2}, "marker": marker})
        layout[f"xaxis{tail}"] |= {"range": [0, 1.02], "title": {"text": "confidence"}, "tickformat": ".0%"}
        layout[f"yaxis{tail}"] |= {"range": [0, 1.02], "title": {"text": "" if tail else "accuracy"}, "tickformat": ".0%"}
        layout["annotations"].append(_title(depth.name, layout[f"xaxis{tail}"]["domain"]))
    return {"data": traces, "layout": layout}


def _sizes(bins: Reliability) -> list[float]:
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
    layout = _layout(len(shown), 90 + 24 * max(len(depth.corruptions) for depth in shown))
    layout["margin"]["l"] = 130
    reach = 100 * max(float(np.abs(depth.damage).max()) for depth in shown) or 1.0
    traces: list[Figure] = []
    for panel, depth in enumerate(shown, start=1):
        tail = str(panel) if panel > 1 else ""
        points = (100 * depth.damage).round(1)
        traces.append({
            "type": "heatmap", "z": points.tolist(), "x": [str(s + 1) for s in range(points.shape[1])],
            "y": [labels.safe(name.replace("_", " ")) for name in depth.corruptions],
            "xaxis": f"x{tail}", "yaxis": f"y{tail}",
            "zmin": -reach, "zmax": reach,
            "colorscale": [[0, "@c1"], [0.5, "@paper"], [1, "@c0"]], "showscale": panel == 1,
            "texttemplate": "%{z:+.1f}",
            "hovertemplate": "%{y}, severity %{x}: %{z:+.1f} points<extra></extra>", "xgap": 1,
            "ygap": 1,
            "colorbar": {"title": {"text": "points"}, "thickness": 12, "outlinewidth": 0},
        })  # fmt: skip
        layout[f"xaxis{tail}"] |= {"title": {"text": "severity"}, "type": "category"}
        layout[f"yaxis{tail}"] |= {"autorange": "reversed", "showticklabels": not tail, "type": "category"}
        layout["annotations"].append(_title(depth.name, layout[f"xaxis{tail}"]["domain"]))
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


def _layout(count: int, height: int) -> Figure:
    gap = 0.05
    width = (1 - gap * (count - 1)) / count
    layout: Figure = {"height": height, "margin": {"l": 62, "r": 12, "t": 50, "b": 100}, "annotations": [],
                      "hovermode": "closest",
                      "legend": {"orientation": "h", "y": -0.3, "x": 0, "yanchor": "top"}}  # fmt: skip
    for panel in range(1, count + 1):
        tail = str(panel) if panel > 1 else ""
        start = (panel - 1) * (width + gap)
        layout[f"xaxis{tail}"] = {"domain": [start, min(1.0, start + width)], "anchor": f"y{tail}", "zeroline": False}
        layout[f"yaxis{tail}"] = {"anchor": f"x{tail}", "zeroline": False}
    return layout


def _title(text: str, domain: list[float]) -> Figure:
    return {"text": labels.safe(text), "showarrow": False, "xref": "paper", "yref": "paper", "x": sum(domain) / 2, "y": 1.02,
            "xanchor": "center", "yanchor": "bottom", "font": {"size": 12}}  # fmt: skip
