"""Numbers as people read them, and lines whose columns stand below each other."""

from __future__ import annotations

from collections.abc import Sequence

from prune_core.metrics import Interval

Row = Sequence[str]


def aligned(rows: Sequence[Row]) -> list[str]:
    """Return rows as lines, the first column to the left and the others to the right."""
    widths = [max(len(row[at]) for row in rows if at < len(row)) for at in range(max(map(len, rows)))]
    return [_line(row, widths) for row in rows]


def _line(row: Row, widths: Sequence[int]) -> str:
    first, *others = [cell.rjust(width) for cell, width in zip(row, widths, strict=False)]
    return "  ".join([row[0].ljust(len(first)), *others]).rstrip()


def percent(value: float) -> str:
    """Return a fraction as people read it."""
    return f"{100 * value:.2f} %"


def within(interval: Interval | None, unit: str = "fraction") -> str:
    """Return an interval as ``68.10 .. 72.00``, in percent where the unit is a fraction; a dash where there is none."""
    if interval is None:
        return "-"
    factor, digits = (100, 2) if unit in ("fraction", "ratio") else (1, 4)
    return f"{factor * interval.low:.{digits}f} .. {factor * interval.high:.{digits}f}"
