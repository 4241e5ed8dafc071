"""Reliability diagrams: accuracy by confidence, as trained and after temperature scaling, for the page and in print."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dashboards.analysis.calibration_and_damage import AFTER_SCALING, AS_TRAINED
from dashboards.figures.page_style import Arrangement, Figure, LegendEntry, axes_of, bare_layout, suffix
from dashboards.figures.palette import GREY, Look, look_of
from dashboards.figures.print_style import COLUMN, PAGE, legend_below, panel_title, panels_of, percent, save, styled
from prune_core.evaluation.scoring import Source
from prune_core.metrics.calibration import Reliability

PERFECT = "perfect calibration"
LOOKS = {AS_TRAINED: look_of(0, symbol="circle", marker="o"), AFTER_SCALING: look_of(1, symbol="diamond", marker="D")}
"""How the two states of a network are drawn."""


@dataclass(frozen=True)
class ReliabilityDiagram:
    """What one diagram shows.

    Attributes:
        title: above it.
        raw: the bins as trained.
        scaled: the bins after temperature scaling; None where there are none.
    """

    title: str
    raw: Reliability
    scaled: Reliability | None

    @property
    def curves(self) -> list[tuple[str, Look, Reliability]]:
        """Name, look and bins of each curve."""
        states = ((AS_TRAINED, self.raw), (AFTER_SCALING, self.scaled))
        return [(name, LOOKS[name], bins) for name, bins in states if bins is not None]


def fitted_words(source: Source) -> str:
    """Return how a temperature was fitted, as it stands after "temperature scaling"."""
    return source if source.startswith("two-fold") else f"fitted on {source}"


def filled(bins: Reliability) -> list[int]:
    """Return the bins that hold predictions: the points of a curve."""
    return [place for place, count in enumerate(bins.count) if count > 0]


def diameters(bins: Reliability) -> list[float]:
    """Return the markers' diameters: by the share of predictions, so that a nearly empty bin does not shout."""
    known = [float(bins.count[place]) for place in filled(bins)]
    return [round(4 + 9 * math.sqrt(count / max(known)), 1) for count in known]


def reliability_figure(diagrams: Sequence[ReliabilityDiagram]) -> Figure:
    """Return the diagrams side by side, for the page."""
    legend = [
        LegendEntry(kind="line", key=name, label=name, symbol=look.symbol, colour=look.colour, dash="solid")
        for name, look in LOOKS.items()
    ]
    arrangement = Arrangement(
        columns=len(diagrams),
        least=330,
        tall=300,
        paper=300,
        shared=True,
        titles=tuple(diagram.title for diagram in diagrams),
        left=62,
        across=34,
        legend=(*legend, LegendEntry(kind="note", label=PERFECT, colour="@muted", dash="dot")),
    )
    traces: list[Figure] = []
    layout = bare_layout(arrangement, len(diagrams))
    for panel, diagram in enumerate(diagrams, start=1):
        diagonal = {"x": [0, 1], "y": [0, 1], "mode": "lines", "name": "perfect", "hoverinfo": "skip", "meta": {}}
        plain = axes_of(panel) | {"type": "scatter"}
        traces.append(plain | diagonal | {"line": {"color": "@muted", "width": 1, "dash": "dot"}})
        traces += [plain | _trace(name, look, bins) for name, look, bins in diagram.curves]
        for letter, title in (("x", "confidence"), ("y", "accuracy")):
            named = {"title": {"text": title, "standoff": 8}, "range": [0, 1.02], "tickformat": ".0%"}
            layout[f"{letter}axis{suffix(panel)}"] |= named
    return {"data": traces, "layout": layout}


def _trace(name: str, look: Look, bins: Reliability) -> Figure:
    at = filled(bins)
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
        "name": name,
        "line": {"color": look.colour, "width": 2},
        "marker": {"color": look.colour, "symbol": look.symbol, "size": diameters(bins)},
        "meta": {"line": name},
    }


@styled
def print_reliability(diagrams: Sequence[ReliabilityDiagram], folder: Path) -> list[Path]:
    """Write the diagrams side by side as PNG and SVG; return the files."""
    width = COLUMN if len(diagrams) == 1 else PAGE
    figure, axes = panels_of(width, 1.75, 1, len(diagrams), 1, shared=True, title=2)
    drawn: dict[str, Any] = {}
    for place, (axis, diagram) in enumerate(zip(axes, diagrams, strict=True)):
        drawn |= draw_reliability(axis, diagram)
        axis.tick_params(labelleft=place == 0)
        axis.set_ylabel("" if place else "accuracy")
        panel_title(axis, diagram.title, width, len(diagrams))
    legend_below(figure, list(drawn.values()), list(drawn), 3)
    return save(figure, folder, "reliability")


def draw_reliability(axis: Any, diagram: ReliabilityDiagram) -> dict[str, Any]:
    """Draw one diagram onto matplotlib's axes; return what a legend lists: name -> line."""
    drawn = {PERFECT: axis.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")[0]}
    for name, look, bins in diagram.curves:
        at = filled(bins)
        drawn[name] = axis.plot(bins.confidence[at], bins.accuracy[at], color=look.light, linewidth=1.0)[0]
        area = np.square(diameters(bins)) / 3
        marks = {"color": look.light, "marker": look.marker, "linewidths": 0, "zorder": 3}
        axis.scatter(bins.confidence[at], bins.accuracy[at], s=area, **marks)
    axis.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="confidence", ylabel="accuracy")
    percent(axis.xaxis, "accuracy")
    percent(axis.yaxis, "accuracy")
    return drawn
