"""The metric columns of a record, derived from the registry: a metric that is added gets its columns for free."""

from __future__ import annotations

from typing import Any

from prune_core.metrics.quantities import WITHOUT_JPEG, metrics_known
from prune_core.metrics.quantity import SEVERITIES, Quantity

__all__ = [
    "SET_COLUMNS",
    "SEVERITIES",
    "metric_columns",
    "report_cell_columns",
    "report_columns",
    "selection_columns",
    "text_metric_columns",
    "train_columns",
]

SET_COLUMNS = ("corruption_set", WITHOUT_JPEG.name)
"""What the corrupted report images are called; for JPEG re-encoded images also mPC without ``jpeg_compression``."""


def report_columns() -> list[str]:
    """Return the columns of the report images, in registration order within their groups."""
    metrics = metrics_known()
    images = [m.name for m in metrics if m.on == "images"]
    fitted = [m.name for m in metrics if m.on == "fit"]
    scaled = [f"{m.name}_t" for m in metrics if m.after_temperature]
    return images + fitted + scaled + report_cell_columns()


def report_cell_columns() -> list[str]:
    """Return the report columns that come of corrupted images, which a study need not judge at every budget."""
    return [column for m in metrics_known() for column in _corruption_columns(m)]


def _corruption_columns(metric: Quantity) -> list[str]:
    if metric.on == "severity":
        return [metric.name, *(f"{metric.name}_s{severity}" for severity in SEVERITIES)]
    return [metric.name] if metric.on == "cells" else []


def train_columns() -> list[str]:
    """Return the columns of the training images: they say why ECE moved."""
    return [f"train_{m.name}" for m in metrics_known() if m.on_train]


def selection_columns() -> list[str]:
    """Return the ``val_*`` columns: every report column but the per-severity ones."""
    severities = {f"{m.name}_s{severity}" for m in metrics_known() if m.on == "severity" for severity in SEVERITIES}
    return [f"val_{column}" for column in report_columns() if column not in severities]


def metric_columns() -> list[str]:
    """Return every metric column of a record, those of registered plugins included."""
    return report_columns() + train_columns() + selection_columns()


def text_metric_columns() -> list[str]:
    """Return the metric columns that hold a name, not a number."""
    return [column for m in metrics_known() if m.is_text for column in (m.name, f"val_{m.name}")]


def __getattr__(name: str) -> Any:
    """``METRIC_COLUMNS`` and its parts: the functions' answers as of now, plugins included."""
    makers = {
        "REPORT_COLUMNS": report_columns,
        "TRAIN_COLUMNS": train_columns,
        "SELECTION_COLUMNS": selection_columns,
        "METRIC_COLUMNS": metric_columns,
        "TEXT_COLUMNS": text_metric_columns,
    }
    if name not in makers:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return tuple(makers[name]())
