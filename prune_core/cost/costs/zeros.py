"""What pruning took: the share of the weights that is zero, and how many times fewer parameters are left."""

from __future__ import annotations

from prune_core.metrics.costs import Cost
from prune_core.metrics.registry import file_cost

file_cost(
    Cost(
        name="sparsity",
        title="sparsity",
        function=lambda network: network.sparsity,
        direction="max",
        unit="fraction",
        high=1.0,
        source="the fraction of convolution weights that are exactly zero; channels that are gone are no weights",
        format="percent",
        group="size",
        order=30,
        table=False,
        headline=False,
        panel=False,
    )
)
file_cost(
    Cost(
        name="compression",
        title="compression",
        function=lambda network: network.dense_parameters / max(network.complexity.nonzero_parameters, 1),
        direction="max",
        unit="ratio",
        source="parameters of the unpruned network / nonzero parameters",
        format="times",
        group="size",
        order=31,
        headline=False,
        panel=False,
    )
)
