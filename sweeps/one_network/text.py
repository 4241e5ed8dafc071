"""Numbers as people read them, and lines whose columns stand below each other."""

from __future__ import annotations

from collections.abc import Sequence

from prune_core.base.plain_text import aligned
from prune_core.metrics import Interval

__all__ = ["Row", "aligned", "percent", "within"]

Row = Sequence[str]


def percent(value: float) -> str:
    """Return a fraction as people read it."""
    return f"{100 * value:.2f} %"


def within(interval: Interval | None, unit: str = "fraction") -> str:
    """Return an interval as ``68.10 .. 72.00``, in percent where the unit is a fraction; a dash where there is none."""
    if interval is None:
        return "-"
    factor, digits = (100, 2) if unit in ("fraction", "ratio") else (1, 4)
    return f"{factor * interval.low:.{digits}f} .. {factor * interval.high:.{digits}f}"
