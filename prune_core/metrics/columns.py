"""The metric columns of a record, derived from the registry: a metric that is added gets its columns for free."""

from __future__ import annotations

import prune_core.metrics  # noqa: F401  (registers the shipped ones)
from prune_core.metrics.registry import METRICS, Metric

SEVERITIES = (1, 2, 3, 4, 5)


def report_columns() -> list[str]:
    """Return the columns of the report images, in registration order within their groups."""
    metrics = [METRICS.get(name) for name in METRICS if METRICS.get(name).recorded]
    images = [m.name for m in metrics if m.on == "images"]
    fitted = [m.name for m in metrics if m.on == "fit"]
    scaled = [f"{m.name}_t" for m in metrics if m.after_temperature]
    return images + fitted + scaled + report_cell_columns()


def report_cell_columns() -> list[str]:
    """Return the report columns that come of corrupted images, which a study need not judge at every budget."""
    metrics = [METRICS.get(name) for name in METRICS if METRICS.get(name).recorded]
    return [column for m in metrics for column in _corruption_columns(m)]


def _corruption_columns(metric: Metric) -> list[str]:
    if metric.on == "severity":
        return [metric.name, *(f"{metric.name}_s{severity}" for severity in SEVERITIES)]
    return [metric.name] if metric.on == "cells" else []


def train_columns() -> list[str]:
    """Return the columns of the training images: they say why ECE moved."""
    return [f"train_{name}" for name in METRICS if METRICS.get(name).on_train]


def selection_columns() -> list[str]:
    """Return the ``val_*`` columns: every report column but the per-severity ones."""
    severities = {f"{name}_s{severity}" for name in METRICS if METRICS.get(name).on == "severity" for severity in SEVERITIES}
    return [f"val_{column}" for column in report_columns() if column not in severities]


def metric_columns() -> list[str]:
    """Return every metric column of a record, those of registered plugins included."""
    return report_columns() + train_columns() + selection_columns()


REPORT_COLUMNS = tuple(report_columns())
TRAIN_COLUMNS = tuple(train_columns())
SELECTION_COLUMNS = tuple(selection_columns())
METRIC_COLUMNS = tuple(metric_columns())
"""As shipped; call `metric_columns` after plugins were imported."""

SET_COLUMNS = ("corruption_set", "mpc_without_jpeg")
"""What the corrupted report images are called; for JPEG re-encoded images also mPC without ``jpeg_compression``."""

TEXT_COLUMNS = ("worst_corruption", "val_worst_corruption")
"""The metric columns that hold a name, not a number."""
