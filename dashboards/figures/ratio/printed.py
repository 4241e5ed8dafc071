"""The figures by pruning ratio for paper and slides: PNG and SVG by matplotlib, a page wide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dashboards import labels
from dashboards.analysis.points import Points
from dashboards.analysis.ratio_panels import RatioFigure
from dashboards.figures.palette import GREY, Look, looks
from dashboards.figures.print_style import (
    PAGE,
    file_name,
    legend_below,
    lines_of,
    note_corruptions,
    panels_of,
    percent,
    save,
    styled,
)
from dashboards.figures.ratio.curves import UNDRAWN, Curve, arm_offsets, panels
from prune_core.base.kinds import REFERENCES


@styled
def print_ratio(points: Points, all_curves: list[Curve], which: RatioFigure, network: str, folder: Path) -> list[Path]:
    """Write one figure by ratio of one network at the longest budget; return the files."""
    chosen = [
        curve
        for curve in all_curves
        if curve.network == network
        and curve.method not in UNDRAWN
        and curve.budget in (points.longest, 0)
        and (curve.budget == points.longest or curve.method == "baseline")
    ]
    names = panels(chosen, which)
    if not names:
        return []
    by_severity = which.by_severity
    words = [_label(curve) for curve in chosen]
    columns, lines = lines_of(words, PAGE)
    figure, axes = panels_of(PAGE, 1.5, 1, len(names), lines, shared=by_severity, title=1)
    look, aside = looks(points.complete["method"].unique()), arm_offsets(chosen)
    for axis, name in zip(axes, names, strict=True):
        drawn = [_line(axis, curve, name, look[curve.method], aside.get(curve.arm, 0.0)) for curve in chosen]
        axis.set_xlabel("pruning ratio")
        percent(axis.yaxis, name)
        axis.set_title(f"severity {name[-1]}" if by_severity else labels.title(name), fontsize=8)
    if by_severity:
        axes[0].set_ylabel(labels.title(names[0]))
        low, high = min(axis.get_ylim()[0] for axis in axes), max(axis.get_ylim()[1] for axis in axes)
        for place, axis in enumerate(axes):
            axis.set_ylim(low, high)
            axis.tick_params(labelleft=place == 0)
    legend_below(figure, drawn, words, columns)
    note_corruptions(figure, points.corruption_set if which.corrupted else "")
    return save(figure, folder, f"{which.name}-{file_name(network)}")


def _label(curve: Curve) -> str:
    return f"{curve.method} ({curve.arm})" if curve.own_base else curve.method


def _line(axis: Any, curve: Curve, name: str, look: Look, aside: float) -> Any:
    rows = curve.measured(name)
    if curve.method in REFERENCES:
        return axis.axhline(
            float(rows[name].iloc[0]) if len(rows) else float("nan"),
            color=GREY if curve.own_base else look.light,
            linewidth=1,
            linestyle=":" if curve.method == "baseline" else "--",
        )
    return axis.errorbar(
        rows["ratio"] + aside,
        rows[name],
        yerr=rows[f"{name}_std"].fillna(0),
        color=look.light,
        marker=look.marker,
        markersize=3.5,
        linewidth=1.1,
        elinewidth=0.6,
    )
