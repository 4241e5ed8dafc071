"""Numbers as text, by what their metric or cost says: one place, so that bytes are bytes wherever they are read."""

from __future__ import annotations

import math

from prune_core.metrics.quantities import quantity_of
from prune_core.metrics.quantity import Quantity

_SIZES = ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k"))


def plain_number(value: float | None, column: str, decimals: int = 4) -> str:
    """Return a number in full, in the unit in which limits and tables name it: ``26,600 bytes``, ``17,021``, ``0.9125``.

    Args:
        value: a measured value, or a mean; what is missing or not finite is ``-``.
        column: whose metric or cost says the unit.
        decimals: digits behind the point where the number is no count.
    """
    if value is None or not math.isfinite(value):
        return "-"
    found = quantity_of(column)
    form = "number" if found is None else found.format
    if form in ("count", "bytes") or (form == "number" and abs(value) >= 1000):
        return f"{value:,.0f}" + (" bytes" if form == "bytes" else "")
    return f"{value:.{decimals}f}"


def share_text(share: float) -> str:
    """Return a share in whole percent; what is not all is never 100 %, and what is not nothing never 0 %.

    399 of 400 are ``over 99 %``, 1 of 400 is ``under 1 %``.
    """
    if 0.995 <= share < 1:
        return "over 99 %"
    return "under 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


def counted(count: int, thing: str) -> str:
    """Return a number of things, of which one is called so: ``1 trial``, ``2,000 trials``."""
    return f"{count:,} {thing}{'s' * (count != 1)}"


def short_count(value: float) -> str:
    """Return a count, short, with three digits: 813, 6.2 k, 1.73 M, 398 M, 1.2 T."""
    for size, letter in _SIZES:
        if abs(value) >= 0.9995 * size:  # 999,600 is 1 M: with three digits it has left its own unit
            return f"{float(f'{value / size:.3g}'):.12g}{letter}"
    return f"{value:.0f}"


def three_digits(value: float) -> str:
    """Return a number with three digits, whole ones in full: 0.0123, 1.5, 1,234."""
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


def cost_text(one: Quantity, value: float) -> str:
    """Return a cost as people read it, unrounded where it is counted."""
    if one.format == "percent":
        return f"{100 * value:.2f} %"
    if one.format == "times":
        return f"{three_digits(value)} x"
    if one.format in ("count", "bytes"):
        return f"{value:,.0f}" + " bytes" * (one.format == "bytes")
    return (f"{value:,.0f}" if float(value).is_integer() else three_digits(value)) + " s" * (one.format == "seconds")


def duration(seconds: float) -> str:
    """Return seconds as people say them: ``45 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 d 4 h``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"
