"""The columns of the table of records, in their one order. Metrics and costs come from their registries."""

from __future__ import annotations

from prune_core.base.build import BUILD_COLUMNS
from prune_core.base.trial_folder import NORMALISATION
from prune_core.metrics.columns import (
    SET_COLUMNS,
    metric_columns,
    report_columns,
    selection_columns,
    text_metric_columns,
    train_columns,
)
from prune_core.metrics.quantities import costs_known

IDENTITY = ("key", "study", "arm", "network", "method", "ratio", "seed", "budget", "status", "cause")
"""Which trial and budget a row is of, and how it ended."""

CONTROL_KEY = "control_key"
"""The key of the control (same baseline, fine-tuning, seed and images) that the ``delta_*`` columns are against, at the
row's own budget; a control is its own. Missing where there is none: baselines, the dense ladder, what is trained from
scratch. Tables of version 0.1.0 lack it: `sweeps.records.collect.read_records` finds it for them."""

CHECKPOINT = "checkpoint"
"""SHA-256 of the user's checkpoint whose weights the network has or comes from; missing where they were trained here."""

SORTED_BY = ("network", "arm", "method", "ratio", "seed", "budget", "key")
"""The order of the rows."""


def cost_columns() -> list[str]:
    """Return the columns of what a network weighs and costs, measured; those of plugins' costs included."""
    return [one.name for one in costs_known() if one.recorded and one.repeatable]


def seconds_columns() -> list[str]:
    """Return the columns of how long it took: the only ones that differ between two runs of one study."""
    return [one.name for one in costs_known() if one.recorded and not one.repeatable]


def delta_columns() -> list[str]:
    """Return the columns of differences from the control: every numeric metric of the report and of the selection images."""
    texts = text_metric_columns()
    return [f"delta_{column}" for column in (*report_columns(), *selection_columns()) if column not in texts]


def text_columns() -> list[str]:
    """Return the columns that hold text."""
    identity = ("key", "study", "arm", "network", "method", "status", "cause")
    text = [CONTROL_KEY, CHECKPOINT, "mlflow_run_id", *BUILD_COLUMNS, NORMALISATION]
    return [*identity, *text_metric_columns(), "corruption_set", *text]


def measured_columns() -> list[str]:
    """Return the columns that come from a trial's ``record.json``."""
    metrics = [*report_columns(), *train_columns(), *selection_columns()]
    return [*metrics, *SET_COLUMNS, *cost_columns(), *seconds_columns(), *BUILD_COLUMNS, NORMALISATION]


def record_columns() -> list[str]:
    """Return every column of ``records.parquet``, in order; those of plugins' metrics and costs included.

    The last ones say how the images were normalised, which build judged the network, and which made its baseline; records
    of version 0.1.0 lack them.
    """
    return [
        *IDENTITY,
        *metric_columns(),
        *SET_COLUMNS,
        *cost_columns(),
        *delta_columns(),
        CONTROL_KEY,
        CHECKPOINT,
        *seconds_columns(),
        "mlflow_run_id",
        NORMALISATION,
        *BUILD_COLUMNS,
    ]
