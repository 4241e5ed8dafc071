"""Whether a GPU trains, prunes and judges as the CPU does, the same twice, and through kills.

`benchmarks.gpu` and the tests marked ``gpu`` call these. Every check raises `CheckFailed` with what is wrong. Nothing but
torch and NumPy is needed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from prune_core.evaluation.device_sets import clear_sets
from prune_core.evaluation.evaluation import forward_logits
from prune_core.networks import NETWORKS, build_network
from prune_core.pruning import METHODS, outcome_of, prune
from prune_core.training import Checkpoint, DeviceData, Recipe, Session, TrainingState, prepare_runtime, train
from prune_core.training import session as sessions

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
STREAM = ("gpu check", 0)
CLOSE = 2e-2
"""Of the largest logit, after a few steps: sums are taken in another order on a GPU, and training makes that grow."""
RECIPE = Recipe(epochs=2, batch_size=8, learning_rate=0.01, augmentation="crop_flip")
CPU, CUDA = torch.device("cpu"), torch.device("cuda")


class CheckFailed(Exception):
    """Something is not as it should be; the message says what."""


def checks() -> dict[str, Callable[[], None]]:
    """Return every check by its name."""
    found: dict[str, Callable[[], None]] = {}
    for network in NETWORKS.names():
        found[f"network {network}"] = partial(like_the_cpu, network, None)
    for method in METHODS.names():
        for network in ("resnet8", "small_vgg", "small_preresnet"):
            found[f"method {method} on {network}"] = partial(like_the_cpu, network, method)
    for precision in ("fp32", "tf32", "bf16"):
        found[f"two runs equal, {precision}"] = partial(twice_the_same, precision)
        found[f"graph equals eager, {precision}"] = partial(graph_is_eager, precision)
    return found | {
        "dropout in a graph": partial(graph_is_eager, "fp32", dropout=0.5),
        "batches stop and go on": goes_on,
        "killed and resumed": killed_and_resumed,
        "a read on the host trains eagerly": partial(trains_eagerly, _reads_host, "on the host"),
        "training goes on after a failed capture": partial(trains_eagerly, _synchronises, "eager: "),
        "memory is flat over 20 trainings": memory_is_flat,
        "resident images judge as others": resident_is_the_same,
    }


def like_the_cpu(name: str, method: str | None) -> None:
    """Train (with masks, where a method left some), prune before it, and judge: on both devices, within `CLOSE`."""
    on_cpu, on_gpu = (_course(name, method, device) for device in (CPU, CUDA))
    worst = float(np.abs(on_cpu - on_gpu).max() / np.abs(on_cpu).max())
    _require(worst < CLOSE, f"{name}, {method}: logits differ by {worst:.2g} of the largest")


def twice_the_same(precision: str) -> None:
    """Two trainings with a graph, and their logits, to the bit."""
    one, other = (_trained(precision, Session()) for _ in range(2))
    _assert_equal(one, other, "two runs")


def graph_is_eager(precision: str, dropout: float = 0.0) -> None:
    """A training with a graph and one without."""
    captured, eager = Session(), Session()
    one = _trained(precision, captured, dropout)
    worth, sessions.WORTH_STEPS = sessions.WORTH_STEPS, 1 << 60
    try:
        other = _trained(precision, eager, dropout)
    finally:
        sessions.WORTH_STEPS = worth
    _require(one["path"] == sessions.GRAPH and other["path"] == sessions.SHORT, f"{one['path']!r} and {other['path']!r}")
    _assert_equal(one, other, "graph and eager")


def goes_on() -> None:
    """One session over two calls, and a fresh one for each, to the bit."""
    whole = _trained("fp32", Session())
    network, data, session = _small(), _data(CUDA, 516), Session()
    state = None
    for start in (0, 1):
        own = session if start == 0 else Session()
        state = train(network, data, RECIPE, epochs_from=start, epochs_to=start + 1, stream=STREAM, state=state, session=own)
        own.close()
    _assert_equal(whole, {"weights": network.state_dict()}, "one call and two")


def killed_and_resumed() -> None:
    """A training in a process of its own that is killed in mid-epoch, and gone on with, to the bit."""
    whole = _trained("fp32", Session())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state"
        process = subprocess.Popen([sys.executable, "-m", "benchmarks.gpu_checks", str(file), CUDA.type])
        deadline = time.monotonic() + 120
        while not file.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        state = TrainingState.load(file)
    if state is None:
        raise CheckFailed("no checkpoint before the kill")
    _require(state.place < (2, 0), "the kill came too late")
    resumed = _trained("fp32", Session(), state=state)
    _assert_equal(whole, resumed, "undisturbed and resumed")


def trains_eagerly(more: Callable[[Tensor], Tensor], why: str) -> None:
    """A forward pass that no graph can hold trains all the same, and the session says why."""
    session = Session()
    network = _small(more=more, dropout=0.1)
    train(network, _data(CUDA, 516), RECIPE, epochs_from=0, epochs_to=2, stream=STREAM, session=session)
    path = session.path
    session.close()
    _require(path.startswith("eager: ") and why in path, path)
    _require(all(bool(torch.isfinite(value).all()) for value in network.state_dict().values()), "a weight is not finite")


def memory_is_flat() -> None:
    """What torch holds after the twentieth training is what it held after the second."""
    held = []
    for _ in range(20):
        _trained("fp32", Session())
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        held.append(torch.cuda.memory_reserved())
    _require(held[-1] <= held[1], f"reserved bytes after each training: {held}")


def resident_is_the_same() -> None:
    """Images of a file that stay on the device and images of an array that stream: the same logits."""
    network = _small().to(CUDA)
    pixels = _pixels(300)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "images.npy"
        np.save(file, pixels)
        mapped = np.load(file, mmap_mode="r")
        answers = [
            forward_logits(network, images, MEAN, STD, device=CUDA, batch_size=128) for images in (mapped, pixels, mapped)
        ]
    clear_sets()
    _require(all((answer == answers[0]).all() for answer in answers), "streamed and resident images differ")
    on_cpu = forward_logits(network.cpu(), pixels, MEAN, STD)
    _require(np.abs(on_cpu - answers[0]).max() < 1e-3 * np.abs(on_cpu).max(), "GPU and CPU judge differently")


class _More(nn.Module):
    def __init__(self, more: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.more = more

    def forward(self, maps: Tensor) -> Tensor:
        return self.more(maps)


def _reads_host(maps: Tensor) -> Tensor:
    return maps * (1.0 if float(maps.detach().abs().max()) >= 0 else 0.0)


def _synchronises(maps: Tensor) -> Tensor:
    if maps.is_cuda:
        torch.cuda.synchronize()  # no operator, so only the capture itself finds it
    return maps


def _small(more: Callable[[Tensor], Tensor] = functional.relu, dropout: float = 0.0) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        _More(more),
        nn.Dropout(dropout),
        nn.AvgPool2d(16),
        nn.Flatten(),
        nn.Linear(16, 10),
    )


def _slowly() -> bool:
    """Never stop, but leave time to be killed."""
    time.sleep(0.02)
    return False


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise CheckFailed(message)


def _pixels(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(1).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def _data(device: torch.device, count: int) -> DeviceData:
    labels = np.random.default_rng(2).integers(0, 10, count)
    return DeviceData.of(_pixels(count), labels, mean=MEAN, std=STD, augmentation="crop_flip", device=device)


def _course(name: str, method: str | None, device: torch.device) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    torch.manual_seed(0)
    network, masks = build_network(name, width=8), {}
    if method is not None:
        batches = {"batches": list(_data(CPU, 32).batches(8, STREAM, 0))} if METHODS.get(method).needs_batches else {}
        network = prune(network, method, 0.5, **batches)
        masks = outcome_of(network).masks
    recipe = Recipe(epochs=1, batch_size=8, learning_rate=0.001, augmentation="crop_flip")
    train(network.to(device), _data(device, 20), recipe, epochs_from=0, epochs_to=1, stream=STREAM, masks=masks)
    weights = dict(network.named_parameters())
    _require(
        all(bool((weights[mask].cpu()[~keep.cpu()] == 0).all()) for mask, keep in masks.items()), "a mask does not hold"
    )
    return forward_logits(network, _pixels(40), MEAN, STD, device=device)


def _trained(
    precision: str, session: Session, dropout: float = 0.0, state: TrainingState | None = None, file: Path | None = None
) -> dict[str, Any]:
    torch.manual_seed(0)
    network = _small(dropout=dropout).to(CUDA)
    torch.cuda.manual_seed(0)
    recipe = Recipe.from_dict({**RECIPE.to_dict(), "precision": precision})
    save = None if file is None else Checkpoint(lambda now: now.save(file), 0.0)
    try:
        train(
            network,
            _data(CUDA, 516),  # 64 whole batches and a last one of 4
            recipe,
            epochs_from=0,
            epochs_to=2,
            stream=STREAM,
            session=session,
            state=state,
            checkpoint=save,
            should_stop=None if file is None else _slowly,
        )
        return {"weights": network.state_dict(), "path": session.path}
    finally:
        session.close()


def _assert_equal(one: Mapping[str, Any], other: Mapping[str, Any], what: str) -> None:
    weights: dict[str, Tensor] = one["weights"]
    others: dict[str, Tensor] = other["weights"]
    differing = [name for name in weights if not torch.equal(weights[name], others[name])]
    _require(not differing, f"{what} differ in {', '.join(differing[:3])}")


def main() -> None:
    """Train until somebody kills this process, a checkpoint after every step."""
    global CUDA
    CUDA = prepare_runtime(device=sys.argv[2])
    _trained("fp32", Session(), file=Path(sys.argv[1]))


if __name__ == "__main__":
    main()
