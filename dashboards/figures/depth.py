"""The chosen candidates in depth, as data of their figures: reliability diagrams, and heat maps of damage."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dashboards.analysis.calibration_and_damage import Depth
from dashboards.analysis.claims import interval_words
from dashboards.figures.heat_map import HeatMap
from dashboards.figures.palette import WORSE_TO_BETTER
from dashboards.figures.reliability import ReliabilityDiagram, fitted_words


def diagrams(depths: Sequence[Depth]) -> list[ReliabilityDiagram]:
    """Return one reliability diagram per candidate, its seeds pooled."""
    return [ReliabilityDiagram(depth.name, depth.raw, depth.scaled) for depth in depths]


def damage_maps(depths: Sequence[Depth]) -> list[HeatMap]:
    """Return the accuracy minus the control's in percentage points, one heat map per candidate that has corruptions."""
    shown = [depth for depth in depths if depth.corruptions]
    reach = 100 * max((float(np.abs(depth.damage).max()) for depth in shown), default=0.0) or 1.0
    return [
        HeatMap(
            title=depth.name,
            rows=depth.corruptions,
            severities=tuple(range(1, depth.damage.shape[1] + 1)),
            values=100 * depth.damage,
            low=-reach,
            high=reach,
            scale=WORSE_TO_BETTER,
            digits=1,
            signed=True,
            beside=_intervals(depth),
        )
        for depth in shown
    ]


def _intervals(depth: Depth) -> tuple[tuple[str, ...], ...]:
    """Return the 95 % interval of each cell in words; nothing with a single seed."""
    if len(depth.damage_by_seed) < 2:
        return ()
    words = ["" if one is None else interval_words(one, "accuracy", sign="+") for one in depth.damage_cells]
    across = depth.damage.shape[1]
    return tuple(tuple(words[start : start + across]) for start in range(0, len(words), across))


def scaling_words(depths: Sequence[Depth]) -> str:
    """Return which states of the candidates the reliability diagrams show, and how the scaled one came about."""
    if all(depth.scaled is None for depth in depths):
        return "as trained"
    fitted = sorted({fitted_words(depth.fitted_on) for depth in depths})
    return f"as trained and after temperature scaling ({'; '.join(fitted)})"
