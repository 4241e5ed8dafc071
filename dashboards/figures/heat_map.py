"""Heat maps by corruption and severity, for the page and in print: damage against the control, accuracy, ECE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dashboards import labels
from dashboards.figures.page_style import Arrangement, Figure, axes_of, bare_layout, suffix
from dashboards.figures.palette import INK, PAPER, HeatScale, luminance
from dashboards.figures.print_style import COLUMN, PAGE, note_corruptions, panel_title, panels_of, save, styled

_DARK = 0.18
"""Below this luminance of a cell white letters have more contrast than black ones (WCAG 2.2)."""


@dataclass(frozen=True)
class HeatMap:
    """What one heat map shows.

    Attributes:
        title: above it.
        rows: what its rows are called; names of corruptions are shown with spaces.
        severities: of its columns.
        values: ``(rows, severities)``, in percent or percentage points.
        low, high: the values at the ends of the scale.
        scale: its colours.
        digits: behind the decimal point of each cell's number.
        signed: whether positive numbers get a plus.
        beside: what is said of each cell beside its number, ``(rows, severities)``; nothing where empty.
    """

    title: str
    rows: tuple[str, ...]
    severities: tuple[int, ...]
    values: npt.NDArray[np.float64]
    low: float
    high: float
    scale: HeatScale
    digits: int = 0
    signed: bool = False
    beside: tuple[tuple[str, ...], ...] = ()

    @property
    def names(self) -> list[str]:
        """The rows' names as they are shown."""
        return [name.replace("_", " ") for name in self.rows]

    @property
    def format(self) -> str:
        """The format of a cell's number, as Python and d3 both read it."""
        return f"{'+' if self.signed else ''}.{self.digits}f"

    @property
    def rounded(self) -> npt.NDArray[np.float64]:
        """The values as their cells say them, without a negative zero."""
        return np.asarray(np.round(self.values, self.digits) + 0.0)

    def text(self, value: float) -> str:
        """Return a cell's number."""
        return format(value, self.format).replace("-", "\u2212")

    def ink(self, value: float) -> str:
        """Return the colour of a cell's number: one that can be read on the cell's own, in print."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return PAPER if luminance(self.scale.colour_at(share)) < _DARK else INK


def heat_map_figure(maps: Sequence[HeatMap]) -> Figure:
    """Return the heat maps side by side, for the page; they share their rows' room."""
    tall = 24 * max(len(one.rows) for one in maps)
    arrangement = Arrangement(
        columns=len(maps),
        least=330,
        tall=tall,
        paper=min(tall, 300),
        shared=True,
        titles=tuple(one.title for one in maps),
        left=130,
        across=34,
    )
    layout = bare_layout(arrangement, len(maps))
    for panel in range(1, len(maps) + 1):
        layout[f"xaxis{suffix(panel)}"] |= {"title": {"text": "severity", "standoff": 8}, "type": "category"}
        layout[f"yaxis{suffix(panel)}"] |= {"autorange": "reversed", "type": "category"}
    return {"data": [_trace(one, panel) for panel, one in enumerate(maps, start=1)], "layout": layout}


def _trace(one: HeatMap, panel: int) -> Figure:
    last = len(one.scale.page) - 1
    unit = " points" if one.signed else " %"
    cells = [[one.text(float(value)) for value in row] for row in one.rounded]
    beside = one.beside or [[""] * len(row) for row in cells]
    words = [
        [f"{cell}{unit} {labels.typeset(more)}".rstrip() for cell, more in zip(row, along, strict=True)]
        for row, along in zip(cells, beside, strict=True)
    ]
    return axes_of(panel) | {
        "type": "heatmap",
        "z": one.rounded.tolist(),
        "x": [str(severity) for severity in one.severities],
        "y": [labels.safe(name) for name in one.names],
        "zmin": one.low,
        "zmax": one.high,
        "colorscale": [[place / last, colour] for place, colour in enumerate(one.scale.page)],
        "showscale": False,
        "text": cells,
        "hovertext": words,
        "texttemplate": "%{text}",
        "hovertemplate": "%{y}, severity %{x}: %{hovertext}<extra></extra>",
        "xgap": 1,
        "ygap": 1,
        "meta": {},
    }


@styled
def print_heat_maps(maps: Sequence[HeatMap], corrupted: str, folder: Path, name: str) -> list[Path]:
    """Write the heat maps side by side as PNG and SVG; return the files.

    Args:
        maps: side by side.
        corrupted: what the corrupted images are called.
        folder: where the files go.
        name: of the files.
    """
    width = COLUMN if len(maps) == 1 else PAGE
    tall = 0.15 * max(len(one.rows) for one in maps)
    figure, axes = panels_of(width, max(0.6, tall), 1, len(maps), shared=True, title=2)
    figure.subplots_adjust(left=1.05 / width)
    for place, (axis, one) in enumerate(zip(axes, maps, strict=True)):
        draw_heat_map(axis, one)
        axis.tick_params(labelleft=place == 0)
        panel_title(axis, one.title, width, len(maps))
    note_corruptions(figure, corrupted)
    return save(figure, folder, name)


def draw_heat_map(axis: Any, one: HeatMap, *, size: float = 5.5) -> None:
    """Draw one heat map onto matplotlib's axes, the numbers of its cells in letters of a size in points."""
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("heat", list(one.scale.light))
    axis.imshow(one.values, cmap=colours, vmin=one.low, vmax=one.high, aspect="auto")
    for (row, column), value in np.ndenumerate(one.rounded):
        ink = one.ink(float(one.values[row, column]))
        axis.text(column, row, one.text(float(value)), ha="center", va="center", fontsize=size, color=ink)
    axis.set_xticks(range(len(one.severities)), [str(severity) for severity in one.severities])
    axis.set_yticks(range(len(one.rows)), one.names)
    axis.tick_params(length=0)
    axis.grid(visible=False)
    axis.set_xlabel("severity")
