"""Bytes: of the saved file, and of the activations while one image goes through."""

from __future__ import annotations

from prune_core.metrics.costs import Cost
from prune_core.metrics.registry import file_cost

file_cost(
    Cost(
        name="size_bytes",
        title="size of the saved file",
        function=lambda network: network.size_bytes,
        unit="bytes",
        source="length of model.safetensors as it is exported, header included",
        format="bytes",
        group="size",
        order=40,
        log=True,
        table=False,
        headline=False,
        panel=False,
    )
)
file_cost(
    Cost(
        name="peak_activation_bytes",
        title="peak activation memory",
        function=lambda network: network.complexity.peak_activation_bytes,
        unit="bytes",
        source="largest sum of the input and the output of one leaf module, float32, one image",
        recorded=False,
        format="bytes",
        group="size",
        order=41,
        log=True,
        table=False,
        headline=False,
        panel=False,
        tracked=False,
    )
)
