"""Parameters: all of them, and those that are not zero."""

from __future__ import annotations

from prune_core.metrics.costs import Cost
from prune_core.metrics.registry import file_cost

file_cost(
    Cost(
        name="parameters",
        title="parameters",
        function=lambda network: network.complexity.parameters,
        unit="parameters",
        source="all parameters, each once; buffers are none",
        format="count",
        group="size",
        order=10,
        log=True,
        table=False,
        headline=False,
        panel=False,
    )
)
file_cost(
    Cost(
        name="nonzero_parameters",
        title="nonzero parameters",
        function=lambda network: network.complexity.nonzero_parameters,
        unit="parameters",
        source="parameters minus the zeros in convolution and linear weights",
        format="count",
        group="size",
        order=11,
        log=True,
    )
)
