"""What a network costs before and after pruning, host latency included."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prune_core.cost.measured import MeasuredNetwork, cost_columns
from prune_core.metrics.numbers import cost_text
from prune_core.metrics.quantities import costs_known
from sweeps.one_network.text import Row, aligned

if TYPE_CHECKING:
    from torch import nn

WARM_UP, RUNS, SECONDS = 3, 50, 2.0
"""Forward passes not counted, at most counted, and the time after which no more are made, per network."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one forward pass on this machine: quartiles."""

    low: float
    median: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ms ({self.low:.2f} .. {self.high:.2f})"


def cost_lines(
    dense: nn.Module, pruned: nn.Module, shape: tuple[int, int, int], header: Mapping[str, str] | None = None
) -> list[str]:
    """Return parameters, MACs, size, activations and host latency before and after, as lines.

    Args:
        dense: before.
        pruned: after.
        shape: ``(C, H, W)`` of an image.
        header: what the file says besides the network: its length counts.
    """
    import torch

    whole = sum(parameter.numel() for parameter in dense.parameters())
    said = header or {}
    before, after = (cost_columns(MeasuredNetwork(network, shape, whole, header=said)) for network in (dense, pruned))
    rows: list[Row] = [(f"one image of {shape[1]}x{shape[2]}x{shape[0]}", "before", "after", "change")]
    for one in costs_known():
        if one.name in before and one.name in after:
            values = float(before[one.name]), float(after[one.name])
            change = f"{100 * (values[1] / values[0] - 1):+.1f} %" if values[0] else "-"
            rows.append((one.title, *(cost_text(one, value) for value in values), change))
    slow, fast = latencies(dense, pruned, shape)
    rows.append(("host latency", str(slow), str(fast), f"{100 * (fast.median / slow.median - 1):+.1f} %"))
    lines = aligned(rows)
    threads = torch.get_num_threads()
    lines.append(
        f"host latency: of this machine's CPU, not of a device; one image, {threads} thread{'s' if threads > 1 else ''}, "
        "median (quartiles)"
    )
    if after["macs"] == before["macs"] and after["nonzero_macs"] < before["nonzero_macs"]:
        lines.append("the weights that went are zeros: shapes stay, and a dense kernel is as slow as before")
    return lines


def latencies(dense: nn.Module, pruned: nn.Module, shape: tuple[int, int, int]) -> tuple[Latency, Latency]:
    """Time single images through both networks in turn, so that what disturbs the machine disturbs both."""
    import torch

    image = torch.zeros(1, *shape)
    networks = [dense, pruned]
    modes = [{module: module.training for module in network.modules()} for network in networks]
    spent: list[list[float]] = [[], []]
    try:
        with torch.inference_mode():
            for network in networks:
                network.eval()
                for _ in range(WARM_UP):
                    network(image)
            started = time.perf_counter()
            while len(spent[0]) < RUNS and (time.perf_counter() - started < 2 * SECONDS or not spent[0]):
                for network, times in zip(networks, spent, strict=True):
                    begin = time.perf_counter()
                    network(image)
                    times.append(1000 * (time.perf_counter() - begin))
    finally:
        for mode in modes:
            for module, training in mode.items():
                module.training = training
    one, two = (Latency(*(float(value) for value in np.quantile(times, (0.25, 0.5, 0.75)))) for times in spent)
    return one, two
