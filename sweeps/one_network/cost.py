"""What a network costs before and after pruning, host latency included."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prune_core.cost.complexity import complexity
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


def cost_lines(dense: nn.Module, pruned: nn.Module, shape: tuple[int, int, int]) -> list[str]:
    """Return parameters, MACs, size, activations and host latency before and after, as lines.

    Args:
        dense: before.
        pruned: after.
        shape: ``(C, H, W)`` of an image.
    """
    import torch

    before, after = complexity(dense, shape), complexity(pruned, shape)
    rows: list[Row] = [(f"one image of {shape[1]}x{shape[2]}x{shape[0]}", "before", "after", "change")]
    for title, name, unit in (
        ("parameters", "parameters", ""),
        ("nonzero parameters", "nonzero_parameters", ""),
        ("MACs", "macs", ""),
        ("nonzero MACs", "nonzero_macs", ""),
        ("size of the saved file", "size_bytes", " bytes"),
        ("peak activation memory", "peak_activation_bytes", " bytes"),
    ):
        one, two = getattr(before, name), getattr(after, name)
        rows.append((title, f"{one:,}{unit}", f"{two:,}{unit}", f"{100 * (two / max(one, 1) - 1):+.1f} %"))
    slow, fast = latencies(dense, pruned, shape)
    rows.append(("host latency", str(slow), str(fast), f"{100 * (fast.median / slow.median - 1):+.1f} %"))
    lines = aligned(rows)
    threads = torch.get_num_threads()
    lines.append(
        f"host latency: of this machine's CPU, not of a device; one image, {threads} thread{'s' if threads > 1 else ''}, "
        "median (quartiles)"
    )
    if after.macs == before.macs and after.nonzero_macs < before.nonzero_macs:
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
