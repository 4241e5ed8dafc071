"""Which way is better, by column: metrics of the report, ``val_*``, ``train_*``, and the costs."""

from __future__ import annotations

from prune_core.base.errors import UnknownName
from prune_core.metrics.columns import metric_columns
from prune_core.metrics.registry import METRICS, Direction

COST_DIRECTIONS: dict[str, Direction] = {
    "parameters": "min",
    "nonzero_parameters": "min",
    "macs": "min",
    "nonzero_macs": "min",
    "size_bytes": "min",
    "sparsity": "max",
    "compression": "max",
    "train_seconds": "min",
    "evaluate_seconds": "min",
}


def metric_of(column: str) -> str:
    """Return the name of the registered metric that a column holds (``val_ece_t``: ``ece``); the column if there is none."""
    name = column.removeprefix("val_").removeprefix("train_")
    if name in METRICS:
        return name
    if name.endswith("_t") and name.removesuffix("_t") in METRICS:
        return name.removesuffix("_t")
    stem, _, severity = name.rpartition("_s")
    return stem if stem in METRICS and severity.isdigit() else column


def directions() -> dict[str, Direction]:
    """Return ``{column: "max" | "min"}``; columns that have no better side (temperature, mean confidence) are left out."""
    found: dict[str, Direction] = {}
    for column in metric_columns():
        direction = METRICS.get(metric_of(column)).direction
        if direction is not None:
            found[column] = direction
    return found | COST_DIRECTIONS


def direction_of(column: str) -> Direction:
    """Return the direction of a column, those of plugins included.

    Raises:
        UnknownName: no column of that name has a better side.
    """
    known = directions()
    if column not in known:
        raise UnknownName("objective", column, known)
    return known[column]


DIRECTIONS: dict[str, Direction] = directions()
"""As shipped; call `directions` after plugins were imported."""
