"""Evaluation against a bare forward loop over tensors already in memory, and against one file and batch 32 per cell.

    python benchmarks/evaluation_speed.py [--network resnet20] [--images 1024] [--rounds 7] [--threads 1] [--device cpu]

A and B alternate in one process, so that a busy machine slows both; the numbers are ratios with their spread. The second
comparison is RobustBench's way: one ``np.load`` per cell and batch 32.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from prune_core.evaluation.evaluation import evaluate_network, recommended_environment
from prune_core.networks import build_network

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
CORRUPTIONS = ("fog", "snow", "frost")


class CellsOnDisk:
    """Cells of random pixels, one ``.npy`` per corruption as in CIFAR-10-C, mapped into memory."""

    def __init__(self, folder: Path, images: int) -> None:
        self.folder = folder
        self.images = images
        self.corruptions: Sequence[str] = CORRUPTIONS
        draw = np.random.default_rng(0)
        for name in CORRUPTIONS:
            np.save(folder / f"{name}.npy", draw.integers(0, 256, (5 * images, 32, 32, 3), dtype=np.uint8))

    def cell(self, corruption: str, severity: int) -> Any:
        """Return one severity of a corruption, mapped."""
        mapped = np.load(self.folder / f"{corruption}.npy", mmap_mode="r")
        return mapped[(severity - 1) * self.images : severity * self.images]


def bare_loop(network: torch.nn.Module, inputs: torch.Tensor, batch_size: int) -> torch.Tensor:
    """The least that has to be done: forward batches of normalised float tensors."""
    with torch.inference_mode():
        return torch.cat([network(batch) for batch in inputs.split(batch_size)]).cpu()


def cell_by_cell(network: torch.nn.Module, cells: CellsOnDisk, device: torch.device) -> None:
    """RobustBench's way: each cell loaded whole from its file, turned into floats, batch 32, accuracy only."""
    mean, std = (torch.tensor(value, device=device).view(1, 3, 1, 1) for value in (MEAN, STD))
    for name in cells.corruptions:
        for severity in range(1, 6):
            whole = np.load(cells.folder / f"{name}.npy")
            part = whole[(severity - 1) * cells.images : severity * cells.images]
            x = torch.tensor(np.transpose(part, (0, 3, 1, 2)).astype(np.float32) / 255)
            with torch.no_grad():
                for batch in x.split(32):
                    network((batch.to(device) - mean) / std).argmax(1).sum().item()


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Seconds of one call: of the processor on CPU, where others may share it; else wall time, the queue emptied."""
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    start = clock()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return clock() - start


def spread(ratios: list[float]) -> str:
    """Median, and the range of the rounds."""
    return f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="resnet20")
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    device, count = torch.device(given.device), given.images
    network = build_network(given.network).to(device).eval()
    with tempfile.TemporaryDirectory() as folder:
        cells = CellsOnDisk(Path(folder), count)
        images = np.array(cells.cell("fog", 1))
        total = count * (1 + 5 * len(CORRUPTIONS))
        labels = np.zeros(count, np.int64)
        inputs = torch.randn(total, 3, 32, 32, device=device)

        def ours() -> None:
            evaluate_network(
                network, images, labels, mean=MEAN, std=STD, corrupted=cells, device=device, batch_size=given.batch_size
            )

        bare_loop(network, inputs[: 4 * given.batch_size], given.batch_size)
        to_bare, to_cells, speeds = [], [], []
        for _ in range(given.rounds):
            bare = seconds(lambda: bare_loop(network, inputs, given.batch_size), device)
            judged = seconds(ours, device)
            each = seconds(lambda: cell_by_cell(network, cells, device), device)
            to_bare.append(bare / judged)
            to_cells.append(each / judged * total / (total - count))
            speeds.append(total / judged)
    print(f"{given.network}, {total} images a round, batch {given.batch_size}, {given.threads} threads, {device}")
    print(f"  evaluation {statistics.median(speeds):.0f} images/s")
    print(f"  speed relative to the bare forward loop: {spread(to_bare)}")
    print(f"  speed relative to one load per cell, batch 32: {spread(to_cells)}")


if __name__ == "__main__":
    if any(os.environ.get(name) != value for name, value in recommended_environment().items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | recommended_environment())  # noqa: S606
    main()
