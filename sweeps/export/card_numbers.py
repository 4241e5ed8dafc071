"""The numbers of a card as people read them: percent and points where the metric is a share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from prune_core.metrics.quantities import quantity_of


def number_text(name: str, value: float | None) -> str:
    """Return a metric's value; "not measured" where there is none."""
    if value is None or not math.isfinite(value):
        return "not measured"
    return f"{100 * value:.2f} %" if _share(name) else f"{value:.4f}"


def interval_text(name: str, found: Mapping[str, Sequence[float]]) -> str:
    """Return the interval of a metric; nothing where there is none."""
    if name not in found:
        return ""
    low, high = found[name]
    return f"{100 * low:.2f} to {100 * high:.2f} %" if _share(name) else f"{low:.4f} to {high:.4f}"


def difference_text(name: str, value: float | None) -> str:
    """Return a difference to the control; nothing where there is none."""
    if value is None:
        return ""
    return f"{100 * value:+.2f} points" if _share(name) else f"{value:+.4f}"


def spread_text(name: str, found: Mapping[str, Any] | None) -> str:
    """Return the mean over the seeds and its standard deviation; nothing where there is none."""
    if found is None:
        return ""
    if not found["std"]:
        return number_text(name, found["mean"])
    digits, scale, unit = (2, 100.0, " %") if _share(name) else (4, 1.0, "")
    return f"{scale * found['mean']:.{digits}f} ± {scale * found['std']:.{digits}f}{unit}"


def _share(name: str) -> bool:
    found = quantity_of(name)
    return found is not None and found.format == "percent"
