"""The same figures for paper and slides: PNG and SVG by matplotlib, at a two-column page's width."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import pandas as pd

from dashboards import labels
from dashboards.figures_front import COSTS, grid, panels, view
from dashboards.figures_ratio import CLEAN, UNDRAWN, Curve, RatioFigure
from dashboards.palette import looks, order
from dashboards.points import REFERENCES, Points
from prune_core.files import replacing

WIDTH = 7.0
"""Inches: the text width of a two-column paper."""
_STYLE: Any = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "svg.hashsalt": "prunefront",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "savefig.dpi": 200,
    "figure.dpi": 100,
}
_GREY = "#b5b5b5"
F = TypeVar("F", bound=Callable[..., Any])


def styled(function: F) -> F:
    """Draw under our style and no other, whatever the caller's is."""

    @wraps(function)
    def drawn(*arguments: Any) -> Any:
        import matplotlib as mpl

        with mpl.rc_context(_STYLE):
            return function(*arguments)

    return cast(F, drawn)


@styled
def print_front(points: Points, folder: Path) -> list[Path]:
    """Write the front figure; return the files."""
    names, table = panels(points), points.at_longest()
    if not names:
        return []
    rows_of_panels, columns = grid(len(names))
    figure, axes = _figure(columns, 3.2 if rows_of_panels == 1 else 2.5 * rows_of_panels, shared=True, rows=rows_of_panels)
    look, networks = looks(table["method"].unique()), sorted(table["network"].unique())
    for axis, name in zip(axes, names, strict=False):
        for method in order(table["method"].unique()):
            rows = table[table["method"] == method].dropna(subset=[name, "accuracy"])
            for on_front, part in rows.groupby("front", sort=True):
                kept = bool(on_front) or method in REFERENCES
                for network, own in part.groupby("network", sort=True):
                    colour = look[method].light if kept else _GREY
                    _points(axis, own, name, colour, look[method].marker, kept, networks.index(network) % 2 == 1)
        _dress(axis, table, name)
    for place, axis in enumerate(axes):
        axis.set_ylabel("" if place % columns else "accuracy")
        axis.tick_params(labelleft=place % columns == 0)
        axis.set_visible(place < len(names))
    handles = [
        axes[0].scatter([], [], color=look[m].light, marker=look[m].marker, label=m) for m in order(table["method"].unique())
    ]
    for place, network in enumerate(networks if len(networks) > 1 else []):
        fill = "none" if place % 2 else "#1a1a1a"
        handles.append(axes[0].scatter([], [], facecolors=fill, edgecolors="#1a1a1a", marker="o", label=network))
    figure.legend(handles=handles, loc="lower center", ncol=min(5, len(handles)))
    _say(figure, points.corruption_set if "mpc" in names else "")
    return _save(figure, folder, "front")


def _points(axis: Any, rows: pd.DataFrame, name: str, colour: str, marker: str, kept: bool, hollow: bool) -> None:
    axis.errorbar(
        rows[name],
        rows["accuracy"],
        xerr=rows[f"{name}_std"].fillna(0),
        yerr=rows["accuracy_std"].fillna(0),
        fmt="none",
        ecolor=colour,
        elinewidth=0.7,
        alpha=0.8 if kept else 0.5,
        zorder=3 if kept else 1,
    )
    size = 14 + 7 * rows["compression"].fillna(1).clip(1, 32)
    axis.scatter(
        rows[name],
        rows["accuracy"],
        s=size**0.9,
        facecolors="none" if hollow else colour,
        edgecolors=colour,
        marker=marker,
        alpha=1.0 if kept else 0.6,
        zorder=4 if kept else 2,
        linewidths=0.9,
    )


def _dress(axis: Any, table: pd.DataFrame, name: str) -> None:
    axis.set_xlabel(labels.title(name))
    if name in COSTS:
        axis.set_xscale("log")
    if (window := view(table, name, log=name in COSTS)) is not None:
        axis.set_xlim(*window)
    if (window := view(table, "accuracy")) is not None:
        axis.set_ylim(*window)
    for way, column in ((axis.xaxis, name), (axis.yaxis, "accuracy")):
        _percent(way, column)


def _percent(axis: Any, column: str) -> None:
    if labels.is_share(column):
        from matplotlib.ticker import FuncFormatter

        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g} %"))


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
    names = [name for name in which.columns if any(curve.rows[name].notna().any() for curve in chosen)]
    if not names:
        return []
    figure, axes = _figure(len(names), 2.6, shared=names[0][-2:-1] == "s")
    look = looks(points.complete["method"].unique())
    for axis, name in zip(axes, names, strict=True):
        for curve in chosen:
            _line(axis, curve, name, look[curve.method].light, look[curve.method].marker)
        axis.set_xlabel("pruning ratio")
        _percent(axis.yaxis, name)
        title = labels.title(name)
        axis.set_title(f"severity {name[-1]}" if name[-2:-1] == "s" else title, fontsize=8)
    if names[0][-2:-1] == "s":
        axes[0].set_ylabel(labels.title(names[0]))
        low, high = min(axis.get_ylim()[0] for axis in axes), max(axis.get_ylim()[1] for axis in axes)
        for place, axis in enumerate(axes):
            axis.set_ylim(low, high)
            axis.tick_params(labelleft=place == 0)
    handles, names_shown = axes[0].get_legend_handles_labels()
    figure.legend(handles, names_shown, loc="lower center", ncol=min(4, max(1, len(handles))))
    _say(figure, points.corruption_set if which is not CLEAN else "")
    return _save(figure, folder, f"{which.name}-{_file_name(network)}")


def _line(axis: Any, curve: Curve, name: str, colour: str, marker: str) -> None:
    rows = curve.rows.dropna(subset=[name])
    if not len(rows):
        return
    label = f"{curve.method} ({curve.arm})" if curve.own_base else curve.method
    if curve.method in REFERENCES:
        axis.axhline(
            float(rows[name].iloc[0]),
            color=_GREY if curve.own_base else colour,
            linewidth=1,
            linestyle=":" if curve.method == "baseline" else "--",
            label=label,
        )
        return
    axis.errorbar(
        rows["ratio"],
        rows[name],
        yerr=rows[f"{name}_std"].fillna(0),
        color=colour,
        marker=marker,
        markersize=3.5,
        linewidth=1.2,
        elinewidth=0.7,
        label=label,
    )


def _figure(columns: int, height: float, *, shared: bool, rows: int = 1) -> tuple[Any, list[Any]]:
    """Return a figure with rows of panels; fixed places, since matplotlib's own layout costs more than the drawing."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height))
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    bottom, top = (0.31, 0.91) if rows == 1 else (0.95 / height, 1 - 0.12 / height)
    figure.subplots_adjust(left=0.095, right=0.985, top=top, bottom=bottom, wspace=0.08 if shared else 0.32, hspace=0.32)
    return figure, list(axes)


def _say(figure: Any, text: str) -> None:
    """Write which corrupted images these are along the right edge of a figure, small."""
    figure.text(0.998, 0.5, text, rotation=90, ha="right", va="center", fontsize=5, color="#555555")


def _save(figure: Any, folder: Path, name: str) -> list[Path]:
    """Write PNG and SVG without dates, so that the same records give the same bytes."""
    files = []
    for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
        path = folder / f"{name}.{kind}"
        with replacing(path) as temporary:
            figure.savefig(temporary, format=kind, metadata=metadata)
        files.append(path)
    return files


def _file_name(text: str) -> str:
    """Return a name without path tricks: a network's label comes from a study file."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in text)[:80] or "network"
