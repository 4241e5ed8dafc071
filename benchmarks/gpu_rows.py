"""What `benchmarks.gpu` measures of one network: steps with and without a graph, and images judged."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from prune_core.base.memory_format import set_format
from prune_core.evaluation.device_forward import device_logits
from prune_core.evaluation.device_sets import DeviceSets, clear_sets
from prune_core.evaluation.forward import forward_arrays
from prune_core.networks import build_network
from prune_core.training import DeviceData, Recipe
from prune_core.training.graph import Graph, NotCaptured, capture
from prune_core.training.kept import Kept
from prune_core.training.optimizer import Masks, Sgd
from prune_core.training.precision import arithmetic
from prune_core.training.step import DeviceStep
from prune_core.training.trace import OperatorTrace

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
PAPER: dict[str, tuple[str, dict[str, Any], float]] = {
    "vgg19-weights": ("vgg19", {"conv_bias": True, "initialisation": "study_unstructured"}, 0.0),
    "preresnet110": ("preresnet110", {"initialisation": "study_unstructured"}, 0.0),
    "vgg16": ("vgg16", {"head": "mlp", "initialisation": "study_l1_filter"}, 0.0),
    "resnet110": ("resnet110", {"shortcut": "a_pool", "initialisation": "study_l1_filter"}, 0.0),
    "vgg19-slimming": ("vgg19", {"initialisation": "study_network_slimming"}, 1e-4),
    "preresnet164": ("preresnet164", {"initialisation": "study_network_slimming"}, 1e-5),
}
"""Name, options and sparsity of the six networks of the study `paper`; a test holds them to its file."""
NEEDS_CUDA = "needs CUDA"


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    images: int
    batch: int
    rounds: int
    seconds: float
    judged: int
    judged_batches: tuple[int, ...]


FULL = Size(images=10_000, batch=64, rounds=5, seconds=0.4, judged=10_000, judged_batches=(500, 1000, 2000))
SHORT = Size(images=6_400, batch=64, rounds=3, seconds=0.15, judged=4_000, judged_batches=(500, 1000, 2000))
DRY = Size(images=8, batch=2, rounds=1, seconds=0.0, judged=8, judged_batches=(4,))
"""For the CPU: that every line runs, no speed."""


def made_network(label: str) -> nn.Module:
    """Return a network of the paper with the same fresh weights each time."""
    name, options, _ = PAPER[label]
    torch.manual_seed(0)
    return build_network(name, **options)


def made_step(
    label: str,
    precision: str,
    device: torch.device,
    size: Size,
    layout: torch.memory_format = torch.channels_last,
    network: nn.Module | None = None,
) -> DeviceStep:
    """Return a step of the paper's recipe on synthetic images, at the start of an epoch; of the given network if any."""
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (size.images, 32, 32, 3), dtype=np.uint8)
    labels = draw.integers(0, 10, size.images)
    data = DeviceData.of(pixels, labels, mean=MEAN, std=STD, augmentation="crop_flip", device=device)
    sparsity = PAPER[label][2] if label in PAPER else 0.0
    recipe = Recipe(epochs=1, batch_size=size.batch, augmentation="crop_flip", precision=precision, sparsity=sparsity)
    network = (made_network(label) if network is None else network).to(device).train()
    set_format(network, layout)
    step = DeviceStep(
        network,
        data,
        recipe,
        optimizer=Sgd(network, recipe),
        masks=Masks(network, {}),
        loss=torch.zeros((), dtype=torch.float64, device=device),
        hits=torch.zeros((), dtype=torch.int64, device=device),
        layout=layout,
    )
    step.begin(("gpu",), 0, 0, recipe)
    return step


def training_row(label: str, precision: str, device: torch.device, size: Size) -> dict[str, Any]:
    """Steps per second with and without a graph, in turns; whether they agree to the bit; the memory of such a process.

    A step that cannot be captured, or does not prove itself, is measured without a graph, which is what training does then.
    """
    name, options, _ = PAPER[label]
    row: dict[str, Any] = {"network": label, "name": name, "options": options, "precision": precision, "batch": size.batch}
    with arithmetic(precision, device):
        step = made_step(label, precision, device, size)
        if device.type != "cuda":
            row["equal"] = replays_agree(step)
            return row | dict.fromkeys(("eager", "graph", "times_eager", "peak_gib", "used_gib"), NEEDS_CUDA)
        torch.cuda.reset_peak_memory_stats(device)
        started = time.perf_counter()
        try:
            graph: Graph | None = capture(step)
        except NotCaptured as why:
            graph, row["equal"], row["not_captured"] = None, False, str(why)
        row["capture_seconds"] = time.perf_counter() - started
        ways = {"eager": step.run} if graph is None else {"eager": step.run, "graph": graph.replay}
        try:
            if graph is not None:
                row["equal"] = graph_agrees(step, graph.replay)
            row |= _rates(ways, step, size)
            free, total = torch.cuda.mem_get_info(device)
            row |= {"peak_gib": torch.cuda.max_memory_reserved(device) / 2**30, "used_gib": (total - free) / 2**30}
        finally:
            if graph is not None:
                graph.close()
    # what training will do: replay where that proved itself
    row["rate"] = row["graph" if row["equal"] else "eager"]["median"]
    if graph is not None:
        row["times_eager"] = row["graph"]["median"] / row["eager"]["median"]
    return row


def layout_row(label: str, precision: str, device: torch.device, size: Size) -> dict[str, Any]:
    """Replayed steps per second in both layouts: channels last is what training takes, measured best on a CPU."""
    layouts = {"channels last": torch.channels_last, "ordinary": torch.contiguous_format}
    if device.type != "cuda":
        return dict.fromkeys(layouts, NEEDS_CUDA)
    found: dict[str, Any] = {}
    with arithmetic(precision, device):
        for name, layout in layouts.items():
            step = made_step(label, precision, device, size, layout)
            graph = capture(step)
            try:
                found[name] = steps_per_second(graph.replay, step, size)
            finally:
                graph.close()
    return found


def steps_per_second(run: Callable[[], None], step: DeviceStep, size: Size) -> float:
    """Return the median over some rounds."""
    return float(_rates({"run": run}, step, size)["run"]["median"])


def _rates(ways: dict[str, Callable[[], None]], step: DeviceStep, size: Size) -> dict[str, dict[str, float]]:
    """Median, least and most of each way, measured in turns."""
    counts = {name: _count(run, step, step.device, size) for name, run in ways.items()}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(size.rounds):
        for name, run in ways.items():
            rates[name].append(_rate(run, step, counts[name], step.device))
    return {name: _summary(found) for name, found in rates.items()}


def graph_agrees(step: DeviceStep, replay: Callable[[], None], count: int = 20) -> bool:
    """Return whether so many steps and so many replays from one start give the same bits."""
    count = min(count, step.full)
    start = Kept(step.tensors(), step.device)
    _times(step.run, step, count)
    step.optimizer.forget_gradients()
    eager = Kept(step.tensors(), step.device)
    start.restore()
    _times(replay, step, count)
    equal = eager.same_as(step.tensors())
    start.restore()
    return equal


def replays_agree(step: DeviceStep) -> bool:
    """Return the same without a GPU: the operators of one step are recorded and run again."""
    start = Kept(step.tensors(), step.device)
    with OperatorTrace(replayable=True) as trace:
        step.run()
    start.restore()
    return graph_agrees(step, trace.replay, 2)


def evaluation_row(label: str, device: torch.device, size: Size) -> dict[str, Any]:
    """Images per second from resident and from streamed images, against a loop over float batches that lie there.

    On the CPU all three ways run, and no speed is told.
    """
    network = made_network(label).to(device).eval()
    row: dict[str, Any] = {"network": label, "images": size.judged}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "images.npy"
        np.save(file, np.random.default_rng(0).integers(0, 256, (size.judged, 32, 32, 3), dtype=np.uint8))
        images = np.load(file, mmap_mode="r")
        cells = list(np.split(images, 4))
        scale, shift = torch.full((1, 3, 1, 1), 1 / 64, device=device), torch.full((1, 3, 1, 1), 2.0, device=device)
        floats = torch.randn(size.judged, 3, 32, 32, device=device)

        def resident(batch: int) -> None:
            forward_arrays(network, cells, MEAN, STD, device=device, batch_size=batch)

        def streamed(batch: int) -> None:
            with torch.inference_mode():
                device_logits(network, cells, scale, shift, DeviceSets(device, 0), batch).cpu()

        def bare(batch: int) -> None:
            with torch.inference_mode():
                torch.cat([network(part) for part in floats.split(batch)]).cpu()

        row["resident"] = {str(batch): _images_per_second(resident, batch, device, size) for batch in size.judged_batches}
        best = max(size.judged_batches, key=lambda batch: row["resident"][str(batch)])
        for name, way in (("streamed", streamed), ("bare", bare)):
            row[name] = {str(best): _images_per_second(way, best, device, size)}
        clear_sets()
    if device.type != "cuda":
        ran = dict.fromkeys(("resident", "streamed", "bare", "best_batch", "to_bare", "best"), NEEDS_CUDA)
        return row | ran
    row |= {"best_batch": best, "to_bare": row["resident"][str(best)] / row["bare"][str(best)]}
    return row | {"best": row["resident"][str(best)]}


def _images_per_second(way: Callable[[int], None], batch: int, device: torch.device, size: Size) -> float:
    found = []
    for _ in range(min(size.rounds, 3) + 1):  # the first warms up
        _wait(device)
        started = time.perf_counter()
        way(batch)
        _wait(device)
        found.append(size.judged / (time.perf_counter() - started))
    return statistics.median(found[1:])


def _times(run: Callable[[], None], step: DeviceStep, count: int) -> None:
    """Never past the whole batches of the epoch, whose counter starts again."""
    step.counter.zero_()
    for _ in range(min(count, step.full)):
        run()


def _rate(run: Callable[[], None], step: DeviceStep, count: int, device: torch.device) -> float:
    _wait(device)
    started = time.perf_counter()
    _times(run, step, count)
    _wait(device)
    return min(count, step.full) / (time.perf_counter() - started)


def _count(run: Callable[[], None], step: DeviceStep, device: torch.device, size: Size) -> int:
    return max(5, min(step.full, int(size.seconds * _rate(run, step, 10, device))))


def _summary(rates: list[float]) -> dict[str, float]:
    return {"median": statistics.median(rates), "least": min(rates), "most": max(rates)}


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
