"""The front for paper and slides: PNG and SVG by matplotlib, a column or a page wide."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from dashboards import labels
from dashboards.analysis.points import Points
from dashboards.figures.front.data import grid, panels, view
from dashboards.figures.front.marks import draw_labels, draw_steps, in_frame
from dashboards.figures.palette import GREY, INK, Look, looks, order
from dashboards.figures.print_style import (
    COLUMN,
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
from prune_core.base.kinds import REFERENCES
from prune_core.metrics.numbers import short_count
from prune_core.metrics.quantities import quantity_of

FILLINGS = ("full", "none", "left", "bottom")
"""How markers are filled, one per network, as on the page."""


@styled
def print_front(points: Points, folder: Path, named: Mapping[int, str] | None = None) -> list[Path]:
    """Write the front figure a page wide, and each of its panels a column wide; return the files, the whole one's first.

    Args:
        points: the candidates.
        folder: where to.
        named: place -> label of the candidates that the answer names.
    """
    names = panels(points)
    if not names:
        return []
    rows, columns = grid(len(names))
    named = named or {}
    files = _front(points, names, named, (PAGE, 1.75, rows, columns), folder / "front")
    if len(names) > 1:
        for name in names:
            files += _front(points, [name], named, (COLUMN, 1.9, 1, 1), folder / f"front-{file_name(name)}")
    return files


def _front(
    points: Points, names: list[str], named: Mapping[int, str], size: tuple[float, float, int, int], file: Path
) -> list[Path]:
    table = points.at_longest()
    look, networks = looks(table["method"].unique()), sorted(table["network"].unique())
    methods = order(table["method"].unique())
    words = [*methods, *(networks if len(networks) > 1 else [])]
    width, tall, rows, columns = size
    ncol, lines = lines_of(words, width)
    figure, axes = panels_of(width, tall, rows, columns, lines, shared=True)
    for axis, name in zip(axes, names, strict=False):
        _frame(axis, table, name)
        shown = table.dropna(subset=[name, "accuracy"])
        shown = shown[[in_frame(axis, x, y) for x, y in zip(shown[name], shown["accuracy"], strict=True)]]
        for (method, on_front, network), own in shown.groupby(["method", "front", "network"], sort=True):
            kept = bool(on_front) or method in REFERENCES
            filling = FILLINGS[networks.index(network) % len(FILLINGS)]
            dressed = look[str(method)]
            _points(axis, own, name, dressed.light if kept else GREY, dressed.marker, kept, filling)
        dress_panel(axis, name)
        draw_steps(axis, table, name)
        draw_labels(axis, table, name, named)
    for place, axis in enumerate(axes):
        axis.set_ylabel("" if place % columns else "accuracy")
        axis.tick_params(labelleft=place % columns == 0)
        axis.set_visible(place < len(names))
    legend_below(figure, _handles(look, methods, networks), words, ncol)
    corrupted = any((one := quantity_of(name)) is not None and one.needs_corruptions for name in names)
    note_corruptions(figure, points.corruption_set if corrupted else "")
    return save(figure, file.parent, file.name)


def _handles(look: dict[str, Look], methods: list[str], networks: list[str]) -> list[Any]:
    from matplotlib.lines import Line2D

    marks: list[dict[str, Any]] = [{"marker": look[method].marker, "color": look[method].light} for method in methods]
    for place in range(len(networks) if len(networks) > 1 else 0):
        filling = FILLINGS[place % len(FILLINGS)]
        marks.append({"marker": "o", "color": INK, "fillstyle": filling, "markerfacecoloralt": "white"})
    return [Line2D([], [], linestyle="none", markersize=5, **mark) for mark in marks]


def _points(axis: Any, rows: pd.DataFrame, name: str, colour: str, marker: str, kept: bool, filling: str) -> None:
    axis.errorbar(
        rows[name],
        rows["accuracy"],
        xerr=rows[f"{name}_std"].fillna(0),
        yerr=rows["accuracy_std"].fillna(0),
        fmt="none",
        ecolor=colour,
        elinewidth=0.6,
        alpha=0.6 if kept else 0.4,
        zorder=3 if kept else 1,
    )
    plain = {"color": colour, "marker": marker, "linestyle": "none", "fillstyle": filling, "markerfacecoloralt": "white"}
    # markers of about one size are drawn together: hundreds of candidates would take seconds one by one
    sizes = (4 * (14 + 7 * rows["compression"].fillna(1).clip(1, 32)) ** 0.45).round() / 4
    for size, own in rows.groupby(sizes, sort=True):
        axis.plot(
            own[name],
            own["accuracy"],
            markersize=size,
            alpha=1.0 if kept else 0.6,
            zorder=4 if kept else 2,
            markeredgewidth=0.8,
            **plain,
        )


def _frame(axis: Any, table: pd.DataFrame, name: str) -> None:
    """Set what a panel shows, before its points: they decide nothing where the frame is known."""
    log = labels.is_log(name)
    if log:
        axis.set_xscale("log")
    if (window := view(table, name, log=log)) is not None:
        axis.set_xlim(*window)
    if (window := view(table, "accuracy")) is not None:
        axis.set_ylim(*window)


def dress_panel(axis: Any, name: str) -> None:
    """Set the words and ticks of a panel."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    axis.set_xlabel(labels.title(name))
    log = labels.is_log(name)
    if not log:
        axis.xaxis.set_major_locator(MaxNLocator(5))
    for way, column in ((axis.xaxis, name), (axis.yaxis, "accuracy")):
        percent(way, column)
    if log:
        low, high = axis.get_xlim()
        ticks = LogLocator(subs=(1.0,) if high > 80 * low else (1.0, 2.0, 5.0))
        few = sum(low <= tick <= high for tick in ticks.tick_values(low, high)) < 2
        axis.xaxis.set_major_locator(MaxNLocator(4) if few else ticks)
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_count(value)))
        axis.xaxis.set_minor_formatter(NullFormatter())
