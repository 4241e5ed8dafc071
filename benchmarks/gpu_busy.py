"""How much of a replayed step the device computes, by torch's profiler; in a process that profiles before it captures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.gpu_rows import NEEDS_CUDA, Size, made_step, steps_per_second
from prune_core.training.graph import capture
from prune_core.training.precision import arithmetic
from prune_core.training.step import DeviceStep

COUNT = 5
"""Steps under the profiler: a deep network's are ten thousand kernels already."""


def busy_row(label: str, device: torch.device, size: Size) -> dict[str, Any]:
    """Share of the time in which a kernel runs, and the kernels' time over that of a step without the profiler.

    The profiler itself makes gaps between small kernels, so the second share is the truer one where it is below 1.
    """
    if device.type != "cuda":
        return dict.fromkeys(("busy", "kernels", "kernel_milliseconds", "of_step"), NEEDS_CUDA)
    with arithmetic("fp32", device):
        with _profile():  # first: kernels of a graph that was captured before are not always seen
            torch.ones(1, device=device).add_(1)
            torch.cuda.synchronize(device)
        step = made_step(label, "fp32", device, size)
        graph = capture(step)
        try:
            rate = steps_per_second(graph.replay, step, size)
            spans = kernels(graph.replay, step, device)
        finally:
            graph.close()
    share, running = covered(spans)
    return {
        "busy": share,
        "kernels": len(spans) // COUNT,
        "kernel_milliseconds": running / COUNT / 1000,
        "of_step": running / COUNT * 1e-6 * rate,
    }


def kernels(replay: Callable[[], None], step: DeviceStep, device: torch.device) -> list[tuple[float, float]]:
    """Return start and end of what ran on the device, in microseconds."""
    with _profile() as profile:
        step.counter.zero_()
        for _ in range(COUNT):
            replay()
        torch.cuda.synchronize(device)
    found = profile.events() or []
    cuda = torch.autograd.DeviceType.CUDA  # type: ignore[attr-defined]
    return [(event.time_range.start, event.time_range.end) for event in found if event.device_type == cuda]


def covered(spans: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the share of the time from the first start to the last end that lies in a span, and how long that is."""
    if not spans:
        return float("nan"), float("nan")
    spans = sorted(spans)
    total, reached = 0.0, spans[0][0]
    for start, end in spans:
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total / max(reached - spans[0][0], 1e-9), total


def _profile() -> torch.profiler.profile:
    return torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA])
