"""Figures on the page: what the interactive ones have in common, and what the page's script reads of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

Figure = dict[str, Any]
"""Plotly data and layout as plain data; a colour "@ink" is the page's colour of that name."""


@dataclass(frozen=True, kw_only=True)
class LegendEntry:
    """One entry of a figure's legend.

    Attributes:
        kind: "method", "network" or "line", which can be switched off by their key; "note" or "size", which cannot.
        label: what it says.
        key: what the traces that it stands for have in their ``meta`` under its kind.
        symbol: of its marker, as plotly names it; None without.
        colour: a name of the page's palette.
        dash: "solid", "dash" or "dot" for a line; None without.
        size: of the marker in pixels; None for the usual one.
    """

    kind: str
    label: str
    colour: str
    key: str | None = None
    symbol: str | None = None
    dash: str | None = None
    size: float | None = None


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """How the page's script arranges the panels of a figure, whatever the width of the window; in pixels.

    Attributes:
        columns: panels beside each other, at most.
        least: width that a panel needs.
        tall: height of a panel.
        paper: its height in print.
        shared: whether panels beside each other share their y axis.
        legend: its entries.
        titles: of the panels; None without.
        left: room for the numbers of the first y axis.
        across: room between panels.
    """

    columns: int
    least: int
    tall: int
    paper: int
    shared: bool
    legend: tuple[LegendEntry, ...] = ()
    titles: tuple[str, ...] | None = None
    left: int | None = None
    across: int | None = None

    def plain(self) -> Figure:
        """Return it as the script reads it, in ``layout.meta``: what is None is left to the script's default."""
        found = {name: value for name, value in asdict(self).items() if value is not None}
        return found | {"legend": [_present(asdict(entry)) for entry in self.legend]}


def _present(plain: Figure) -> Figure:
    return {name: value for name, value in plain.items() if value is not None}


def suffix(panel: int) -> str:
    """Return what plotly appends to the names of a panel's axes: nothing for the first one, its number for the others."""
    return str(panel) if panel > 1 else ""


def axes_of(panel: int) -> Figure:
    """Return the axes of a trace in a panel."""
    return {"xaxis": f"x{suffix(panel)}", "yaxis": f"y{suffix(panel)}"}


def bare_layout(arrangement: Arrangement, panels: int) -> Figure:
    """Return a layout of panels whose axes still have to be named."""
    layout: Figure = {"hovermode": "closest", "meta": arrangement.plain()}
    for panel in range(1, panels + 1):
        tail = suffix(panel)
        layout[f"xaxis{tail}"] = {"anchor": f"y{tail}", "zeroline": False, "automargin": True}
        layout[f"yaxis{tail}"] = {"anchor": f"x{tail}", "zeroline": False, "automargin": True}
    return layout
