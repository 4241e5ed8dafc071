"""Which metrics and costs stand where on the pages: read from their registries, so that a new one comes by itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from prune_core.metrics.quantities import quantities_known
from prune_core.metrics.quantity import SEVERITIES, Quantity


def _numbers() -> list[Quantity]:
    return [one for one in quantities_known() if one.recorded and not one.is_text]


def with_numbers(columns: Iterable[str], found: Iterable[Mapping[str, Any] | None]) -> list[str]:
    """Return the columns of which anybody has a number: a table shows no empty one.

    Args:
        columns: those that the table could have.
        found: by column, what each of its rows has: a number, or a difference with its ``mean``; None where it has nothing.
    """
    rows = [row for row in found if row is not None]
    return [name for name in columns if any(name in row and _is_number(row[name]) for row in rows)]


def _is_number(value: Any) -> bool:
    return math.isfinite(getattr(value, "mean", value))


def table_columns() -> list[str]:
    """Return the columns of the report's tables of candidates: metrics, then costs."""
    return [one.name for one in _numbers() if one.table]


def compared_columns() -> list[str]:
    """Return the metrics whose difference to the control, the ladder and a network from scratch is shown."""
    return [one.name for one in _numbers() if one.table and not one.is_cost]


def headline_columns() -> list[str]:
    """Return the metrics that claims are made about: the few of every summary that have a better side."""
    return [one.name for one in _numbers() if one.headline and not one.is_cost and one.direction is not None]


def panel_columns() -> list[str]:
    """Return what stands on the x axes of the front's figure, each against accuracy."""
    return [one.name for one in _numbers() if one.panel]


def headline_costs() -> list[str]:
    """Return the few costs of every summary."""
    return [one.name for one in _numbers() if one.headline and one.is_cost]


def hover_columns() -> list[str]:
    """Return the metrics of a candidate's hover text: those of the table, by severity, and after temperature scaling."""
    chosen = [one for one in _numbers() if not one.is_cost and (one.table or one.on == "severity")]
    return [column for one in chosen for column in (one.name, *([f"{one.name}_t"] if one.after_temperature else []))]


def scaling_columns() -> list[str]:
    """Return what is shown before and after temperature scaling: each such metric, what was fitted, ECE under corruption."""
    known = _numbers()
    pairs = [column for one in known if one.after_temperature for column in (one.name, f"{one.name}_t")]
    return [*pairs, *(one.name for one in known if one.on == "fit"), "corruption_ece"]


def averaged_columns() -> list[str]:
    """Return every column that is averaged over the seeds of a candidate; the report images' ones of metrics."""
    found: list[str] = []
    for one in (one for one in _numbers() if one.repeatable):
        found += [one.name, *([f"{one.name}_t"] if one.after_temperature else [])]
        found += [f"{one.name}_s{severity}" for severity in SEVERITIES if one.on == "severity"]
    return [*found, *(f"delta_{name}" for name in (*compared_columns(), "mean_confidence"))]
