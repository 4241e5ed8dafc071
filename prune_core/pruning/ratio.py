"""Ratios as decimals: what a ratio asks for is an integer that no float product may move."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from prune_core.base.errors import BadInput

Ratio = float | str | Decimal


def parse_ratio(ratio: Ratio) -> Decimal:
    """Return a pruning ratio in [0, 1) as the decimal that was written (0.1 is one tenth, not its nearest double).

    Raises:
        BadInput: not a number, or outside [0, 1).
    """
    try:
        value = Decimal(str(ratio)) if not isinstance(ratio, bool) else Decimal("nan")
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite() or not 0 <= value < 1:
        raise BadInput(f"ratio {str(ratio)!r} is not allowed (allowed: a number in [0, 1))")
    return value


def canonical(ratio: Decimal) -> str:
    """Return the one text of a ratio: ``0.50`` and ``5e-1`` are ``0.5``."""
    return format(ratio.normalize(), "f") if ratio else "0"


def removed_count(total: int, ratio: Decimal, rule: str = "exact") -> int:
    """Return floor(total * ratio): how many of a pool of weights or channels go; one more under the rule ``paper``."""
    return int(total * ratio) + (1 if rule == "paper" and ratio else 0)


def kept_count(width: int, ratio: Decimal) -> int:
    """Return floor(width * (1 - ratio)): how many filters of a layer the ratio alone would keep (0 is possible)."""
    return int(width * (1 - ratio))
