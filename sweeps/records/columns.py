"""The columns of the table of records, in their one order. Metric columns come from the registry of metrics."""

from __future__ import annotations

from prune_core.base.build import BUILD_COLUMNS
from prune_core.metrics.columns import (
    SET_COLUMNS,
    TEXT_COLUMNS,
    metric_columns,
    report_columns,
    selection_columns,
    train_columns,
)

IDENTITY = ("key", "study", "arm", "network", "method", "ratio", "seed", "budget", "status", "cause")
"""Which trial and budget a row is of, and how it ended."""

COSTS = ("parameters", "nonzero_parameters", "macs", "nonzero_macs", "sparsity", "compression", "size_bytes")
"""What the network weighs and costs, measured."""

SECONDS = ("train_seconds", "evaluate_seconds")
"""How long it took: the only columns that differ between two runs of one study."""

CONTROL_KEY = "control_key"
"""The key of the control (same baseline, fine-tuning, seed and images) that the ``delta_*`` columns are against, at the
row's own budget; a control is its own. Missing where there is none: baselines, the dense ladder, what is trained from
scratch. Tables of version 0.1.0 lack it: `sweeps.records.collect.read_records` finds it for them."""

SORTED_BY = ("network", "arm", "method", "ratio", "seed", "budget", "key")
"""The order of the rows."""


def delta_columns() -> list[str]:
    """Return the columns of differences from the control: every numeric metric of the report and of the selection images."""
    named = [*report_columns(), *selection_columns()]
    return [f"delta_{column}" for column in named if column not in TEXT_COLUMNS]


def text_columns() -> list[str]:
    """Return the columns that hold text."""
    return [
        "key",
        "study",
        "arm",
        "network",
        "method",
        "status",
        "cause",
        *TEXT_COLUMNS,
        "corruption_set",
        CONTROL_KEY,
        "mlflow_run_id",
        *BUILD_COLUMNS,
    ]


def measured_columns() -> list[str]:
    """Return the columns that come from a trial's ``record.json``."""
    return [*report_columns(), *train_columns(), *selection_columns(), *SET_COLUMNS, *COSTS, *SECONDS, *BUILD_COLUMNS]


def record_columns() -> list[str]:
    """Return every column of ``records.parquet``, in order; those of plugins' metrics included.

    The last ones say which build judged the network, and which made its baseline; records of version 0.1.0 lack them.
    """
    return [
        *IDENTITY,
        *metric_columns(),
        *SET_COLUMNS,
        *COSTS,
        *delta_columns(),
        CONTROL_KEY,
        *SECONDS,
        "mlflow_run_id",
        *BUILD_COLUMNS,
    ]
