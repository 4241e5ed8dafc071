"""How long it took: the only columns that differ between two runs of one study."""

from __future__ import annotations

from prune_core.metrics.costs import Cost
from prune_core.metrics.registry import file_cost

file_cost(
    Cost(
        name="train_seconds",
        title="seconds of training",
        function=lambda network: network.train_seconds,
        unit="seconds",
        source="wall time of the epochs up to the budget",
        repeatable=False,
        format="seconds",
        group="time",
        order=90,
        table=False,
        headline=False,
        panel=False,
    )
)
file_cost(
    Cost(
        name="evaluate_seconds",
        title="seconds of evaluation",
        function=lambda network: network.evaluate_seconds,
        unit="seconds",
        source="wall time of all forward passes",
        repeatable=False,
        format="seconds",
        group="time",
        order=91,
        table=False,
        headline=False,
        panel=False,
    )
)
