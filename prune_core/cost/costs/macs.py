"""Multiply-accumulates of one image: all of them, and those by weights that are not zero."""

from __future__ import annotations

from prune_core.metrics.costs import Cost
from prune_core.metrics.registry import file_cost

file_cost(
    Cost(
        name="macs",
        title="MACs",
        function=lambda network: network.complexity.macs,
        unit="multiply-accumulates",
        source="of convolutions and linear layers, one image; FLOPs are twice that",
        format="count",
        group="work",
        order=20,
        log=True,
        table=False,
        headline=False,
        panel=False,
    )
)
file_cost(
    Cost(
        name="nonzero_macs",
        title="nonzero MACs",
        function=lambda network: network.complexity.nonzero_macs,
        unit="multiply-accumulates",
        source="the MACs without those that multiply by a weight that is zero",
        format="count",
        group="work",
        order=21,
        log=True,
        headline=False,
    )
)
