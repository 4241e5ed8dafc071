"""Reliability diagrams and the heat map of damage as PNG and SVG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from dashboards.analysis.calibration_and_damage import Depth
from dashboards.figures.depth import STATES, sizes
from dashboards.figures.palette import LIGHT
from dashboards.figures.print_style import COLUMN, GREY, PAGE, legend_below, panels_of, percent, save, say, styled

_MARKERS = ("o", "D")


@styled
def print_reliability(depths: Sequence[Depth], folder: Path) -> list[Path]:
    """Write one reliability diagram per candidate, as trained and after temperature scaling; return the files."""
    width = COLUMN if len(depths) == 1 else PAGE
    figure, axes = panels_of(width, 1.75, 1, len(depths), 1, shared=True, title=2)
    for place, (axis, depth) in enumerate(zip(axes, depths, strict=True)):
        drawn = [axis.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")[0]]
        for index, bins in enumerate((depth.raw, depth.scaled)):
            at = np.flatnonzero(bins.count > 0)
            drawn.append(axis.plot(bins.confidence[at], bins.accuracy[at], color=LIGHT[index], linewidth=1.0)[0])
            axis.scatter(
                bins.confidence[at],
                bins.accuracy[at],
                s=np.square(sizes(bins)) / 3,
                color=LIGHT[index],
                marker=_MARKERS[index],
                linewidths=0,
                zorder=3,
            )
        axis.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="confidence", ylabel="" if place else "accuracy")
        axis.tick_params(labelleft=place == 0)
        percent(axis.xaxis, "accuracy")
        percent(axis.yaxis, "accuracy")
        _title(axis, depth.name, width, len(depths))
    legend_below(figure, drawn, ["perfect calibration", *(name for name, _, _ in STATES)], 3)
    return save(figure, folder, "reliability")


@styled
def print_damage(depths: Sequence[Depth], corrupted: str, folder: Path) -> list[Path]:
    """Write the damage by corruption and severity, one heat map per candidate, percentage points in its cells.

    Args:
        depths: the candidates.
        corrupted: what the corrupted images are called.
        folder: where the files go.
    """
    from matplotlib.colors import LinearSegmentedColormap

    shown = [depth for depth in depths if depth.corruptions]
    if not shown:
        return []
    colours = LinearSegmentedColormap.from_list("damage", [LIGHT[1], "#ffffff", LIGHT[0]])
    reach = max(float(np.abs(depth.damage).max()) for depth in shown) or 0.01
    width = COLUMN if len(shown) == 1 else PAGE
    tall = 0.15 * max(len(depth.corruptions) for depth in shown)
    figure, axes = panels_of(width, max(0.6, tall), 1, len(shown), shared=True, title=2)
    figure.subplots_adjust(left=1.05 / width)
    for place, (axis, depth) in enumerate(zip(axes, shown, strict=True)):
        axis.imshow(depth.damage, cmap=colours, vmin=-reach, vmax=reach, aspect="auto")
        _cells(axis, 100 * depth.damage)
        axis.set_xticks(range(depth.damage.shape[1]), [str(at + 1) for at in range(depth.damage.shape[1])])
        axis.set_yticks(range(len(depth.corruptions)), [name.replace("_", " ") for name in depth.corruptions])
        axis.tick_params(labelleft=place == 0, length=0)
        axis.grid(visible=False)
        axis.set_xlabel("severity")
        _title(axis, depth.name, width, len(shown))
    say(figure, corrupted)
    return save(figure, folder, "damage")


def _cells(axis: Any, values: Any) -> None:
    for (row, column), value in np.ndenumerate(np.round(values, 1) + 0.0):
        axis.text(column, row, f"{value:+.1f}".replace("-", "\u2212"), ha="center", va="center", fontsize=5.5)


def _title(axis: Any, name: str, width: float, count: int) -> None:
    letters = max(12, int(16 * (width - 1) / count))
    axis.set_title(fill(name, letters, max_lines=2, placeholder=" …"), fontsize=6.5)
