"""Learning curves on the page: training loss and accuracy by epoch, a line per seed, a colour per network."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dashboards import labels
from dashboards.analysis.learning import LearningCurve
from dashboards.figures.page_style import Arrangement, Figure, LegendEntry, axes_of, bare_layout, suffix
from dashboards.figures.palette import LIGHT

_PANELS = ("training loss", "training accuracy")


def learning_figure(curves: Sequence[LearningCurve]) -> Figure:
    """Return the curves as a plotly figure (plain data)."""
    names = list(dict.fromkeys(one.candidate for one in curves))
    colours = {name: f"@c{place % len(LIGHT)}" for place, name in enumerate(names)}
    legend = tuple(LegendEntry(kind="line", key=name, label=name, colour=colours[name], dash="solid") for name in names)
    arrangement = Arrangement(columns=2, least=300, tall=260, paper=150, shared=False, legend=legend, titles=_PANELS)
    layout = bare_layout(arrangement, len(_PANELS))
    for panel in range(1, len(_PANELS) + 1):
        layout[f"xaxis{suffix(panel)}"] |= {
            "title": {"text": "epoch of fine-tuning", "standoff": 8},
            "tickformat": "d",
            "dtick": None,
        }
    layout["yaxis2"] |= {"tickformat": ".1~%", "maxallowed": 1.0}
    return {
        "data": [
            _trace(one, panel, values, colours[one.candidate])
            for panel, pick in enumerate(("loss", "accuracy"), start=1)
            for one in curves
            for values in (getattr(one, pick),)
        ],
        "layout": layout,
    }


def _trace(one: LearningCurve, panel: int, values: Sequence[float], colour: str) -> Figure:
    return axes_of(panel) | {
        "type": "scatter",
        "mode": "lines+markers",
        "name": labels.safe(f"{one.candidate}, seed {one.seed}"),
        "x": list(one.epochs),
        "y": [value if math.isfinite(value) else None for value in values],
        "line": {"color": colour, "width": 1.5},
        "marker": {"color": colour, "size": 5},
        "meta": {"line": one.candidate},
    }
