"""Which way is better, by column: metrics of the report, ``val_*``, ``train_*``, and the costs."""

from __future__ import annotations

from typing import Any

from prune_core.metrics.quantities import costs_known, direction_of, directions, quantity_of

__all__ = ["direction_of", "directions", "metric_of"]


def metric_of(column: str) -> str:
    """Return the name of the metric that a column holds (``val_ece_t``: ``ece``); the column if there is none."""
    found = quantity_of(column)
    return column if found is None or found.on in ("cost", "set") else found.name


def __getattr__(name: str) -> Any:
    """``DIRECTIONS`` and ``COST_DIRECTIONS``: as of now, plugins included."""
    if name == "DIRECTIONS":
        return directions()
    if name == "COST_DIRECTIONS":
        return {one.name: one.direction for one in costs_known() if one.recorded and one.direction is not None}
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
