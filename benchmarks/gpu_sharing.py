"""Several trainings on one GPU: graphs on streams of one process, and one process each.

`benchmarks.gpu` calls `streams_row` and `processes_row`; run as a module this file is one of those processes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.gpu_checks import ROOT
from benchmarks.gpu_rows import FULL, NEEDS_CUDA, Size, made_step
from prune_core.training import prepare_runtime
from prune_core.training.graph import Graph, capture
from prune_core.training.kept import Kept
from prune_core.training.step import DeviceStep


def streams_row(label: str, at_once: int, device: torch.device, size: Size) -> dict[str, Any]:
    """Steps per second of all trainings together, a stream each; whether each gives the bits that it gives alone."""
    row: dict[str, Any] = {"network": label, "way": "streams", "at_once": at_once}
    if device.type != "cuda":
        return row | {"steps_per_second": NEEDS_CUDA, "equal": NEEDS_CUDA}
    steps = [made_step(label, "fp32", device, size) for _ in range(at_once)]
    streams = [torch.cuda.Stream(device) for _ in steps]
    graphs: list[Graph] = []
    try:
        # each on a stream of its own: cuBLAS has its workspaces by stream, and they are in use side by side
        graphs += [capture(step, stream) for step, stream in zip(steps, streams, strict=True)]
        started = Kept(steps[0].tensors(), device)
        steps[0].counter.zero_()
        for _ in range(20):
            graphs[0].replay()
        torch.cuda.synchronize(device)
        by_itself = Kept(steps[0].tensors(), device)
        started.restore()
        _side_by_side(steps, [graph.replay for graph in graphs], streams, 20, device)
        row["equal"] = all(by_itself.same_as(step.tensors()) for step in steps)
        count = min(100, steps[0].full)
        rates = [
            at_once * count / _side_by_side(steps, [graph.replay for graph in graphs], streams, count, device)
            for _ in range(size.rounds)
        ]
        row["steps_per_second"] = sorted(rates)[len(rates) // 2]
        alone = [count / _side_by_side(steps[:1], [graphs[0].replay], streams[:1], count, device) for _ in rates]
        row["times_one"] = row["steps_per_second"] / sorted(alone)[len(alone) // 2]
    finally:
        for graph in graphs:
            graph.close()
    return row


def _side_by_side(
    steps: list[DeviceStep],
    replays: list[Callable[[], None]],
    streams: list[torch.cuda.Stream],
    count: int,
    device: torch.device,
) -> float:
    for step in steps:
        step.counter.zero_()
    torch.cuda.synchronize(device)
    started = time.perf_counter()
    for _ in range(count):
        for replay, stream in zip(replays, streams, strict=True):
            with torch.cuda.stream(stream):
                replay()
    torch.cuda.synchronize(device)
    return time.perf_counter() - started


def processes_row(label: str, at_once: int, device: torch.device, seconds: float = 3.0) -> dict[str, Any]:
    """Steps per second of all trainings together, a process each, without MPS unless the node runs it."""
    row: dict[str, Any] = {"network": label, "way": "processes", "at_once": at_once}
    if device.type != "cuda":
        return row | {"steps_per_second": NEEDS_CUDA}
    command = [sys.executable, "-m", "benchmarks.gpu_sharing", label, str(seconds)]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(at_once)
    ]
    try:
        # the one who asks has a context too, but computes nothing meanwhile
        for process in started:
            if _line(process) != "ready":
                raise RuntimeError(f"a process with {label} did not start")
        for process in started:
            assert process.stdin is not None  # noqa: S101
            process.stdin.write("go\n")
            process.stdin.flush()
        row["steps_per_second"] = sum(float(_line(process)) for process in started)
    finally:
        for process in started:
            process.kill()
            process.wait()
    return row


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None  # noqa: S101
    return process.stdout.readline().strip()


def main() -> None:
    """Be one training: say ``ready``, wait for a line, train for some seconds, say how many steps per second."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("label")
    parser.add_argument("seconds", type=float)
    given = parser.parse_args()
    device = prepare_runtime(device="cuda")
    step = made_step(given.label, "fp32", device, FULL)
    graph = capture(step)
    print("ready", flush=True)
    sys.stdin.readline()
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < given.seconds:
        step.counter.zero_()
        for _ in range(20):
            graph.replay()
        torch.cuda.synchronize(device)
        done += 20
    print(done / (time.perf_counter() - started), flush=True)


if __name__ == "__main__":
    main()
