"""One scale for one metric over all cards: where differences and their intervals are drawn beside each other."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from dashboards.analysis.claims import Paired

ROOM = 0.06
"""Of the width, what stays free at each end."""


@dataclass(frozen=True)
class Mark:
    """A difference on its scale; places are percent of the width, from the left.

    Attributes:
        mean: of the difference.
        low: of the interval; the mean's where there is no interval.
        high: the same.
        zero: of no difference.
    """

    mean: float
    low: float
    high: float
    zero: float


def shared_scale(found: Iterable[Paired | None]) -> tuple[float, float] | None:
    """Return the ends of a scale that holds 0, every difference and every interval; None where there is no difference."""
    known = [one for one in found if one is not None]
    ends = [value for one in known for value in (one.mean, one.low, one.high) if not math.isnan(value)]
    if not ends:
        return None
    low, high = min(0.0, *ends), max(0.0, *ends)
    return (low, high) if high > low else (-1.0, 1.0)


def mark(one: Paired, scale: tuple[float, float]) -> Mark:
    """Return where a difference stands on a scale."""
    low, high = scale

    def place(value: float) -> float:
        return round(100 * (ROOM + (1 - 2 * ROOM) * (value - low) / (high - low)), 2)

    ends = (one.mean, one.mean) if math.isnan(one.low) else (one.low, one.high)
    return Mark(place(one.mean), place(ends[0]), place(ends[1]), place(0.0))
