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
from torch import Tensor
from torch.nn import functional

from benchmarks.gpu_trainings import (
    MEAN,
    RECIPE,
    STD,
    STREAM,
    CheckFailed,
    course,
    images_on,
    made_pixels,
    reads_host,
    require,
    small,
    synchronises,
    trained,
    worth,
)
from prune_core.evaluation.device_sets import clear_sets
from prune_core.evaluation.evaluation import forward_logits
from prune_core.networks import NETWORKS
from prune_core.pruning import METHODS
from prune_core.training import Session, TrainingState, train
from prune_core.training import session as sessions

CLOSE = 0.25
"""Of what training changed in the logits. Sums are taken in another order on a GPU, and training makes that grow: two orders
on a CPU differ by up to .008 of it (vgg19, ResNet-110), a wrong gradient by 1 and more."""
CLOSE_UNTRAINED = 1e-3
"""Of the largest logit, before training."""
ROOT = Path(__file__).parents[1]
CPU, CUDA = torch.device("cpu"), torch.device("cuda")


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
        "a read on the host trains eagerly": partial(trains_eagerly, reads_host, "on the host"),
        "training goes on after a failed capture": partial(trains_eagerly, synchronises, "eager: "),
        "memory is flat over 20 trainings": memory_is_flat,
        "resident images judge as others": resident_is_the_same,
    }


def like_the_cpu(name: str, method: str | None) -> None:
    """Judge, train (with masks, where a method left some), prune before it: on both devices, within `CLOSE`."""
    (before, after), (before_gpu, after_gpu) = (course(name, method, device) for device in (CPU, CUDA))
    apart = float(np.abs(before - before_gpu).max() / np.abs(before).max())
    require(apart < CLOSE_UNTRAINED, f"{name}, {method}: untrained logits differ by {apart:.2g} of the largest")
    apart = float(np.abs(after - after_gpu).max() / np.abs(after - before).max())
    require(apart < CLOSE, f"{name}, {method}: logits differ by {apart:.2g} of what training changed")


def twice_the_same(precision: str) -> None:
    """Two trainings with a graph, and their logits, to the bit."""
    one, other = (_trained(precision, Session()) for _ in range(2))
    _assert_equal(one, other, "two runs")


def graph_is_eager(precision: str, dropout: float = 0.0) -> None:
    """A training with a graph and one without."""
    captured, eager = Session(), Session()
    one = _trained(precision, captured, dropout)
    with worth(1 << 60):
        other = _trained(precision, eager, dropout)
    require(one["path"] == sessions.GRAPH and other["path"] == sessions.SHORT, f"{one['path']!r} and {other['path']!r}")
    _assert_equal(one, other, "graph and eager")


def goes_on() -> None:
    """One session over two calls, and a fresh one for each, to the bit."""
    whole = _trained("fp32", Session())
    network, data, session = small().to(CUDA), images_on(CUDA, 516), Session()
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
        process = subprocess.Popen([sys.executable, "-m", "benchmarks.gpu_trainings", str(file), CUDA.type], cwd=ROOT)
        deadline = time.monotonic() + 120
        while not file.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        state = TrainingState.load(file)
    if state is None:
        raise CheckFailed("no checkpoint before the kill")
    require(state.place < (2, 0), "the kill came too late")
    resumed = _trained("fp32", Session(), state=state)
    _assert_equal(whole, resumed, "undisturbed and resumed")


def trains_eagerly(more: Callable[[Tensor], Tensor], why: str) -> None:
    """A forward pass that no graph can hold trains all the same, to the bits of one that was never tried; others go on."""
    captured, eager = Session(), Session()
    one = _trained("fp32", captured, 0.1, more=more)
    with worth(1 << 60):
        other = _trained("fp32", eager, 0.1, more=more)
    require(one["path"].startswith("eager: ") and why in one["path"], one["path"])
    _assert_equal(one, other, "eager after a failed capture and eager")
    if CUDA.type == "cuda":
        torch.cuda.empty_cache()  # fails where the allocator believes that the capture goes on
    after = _trained("fp32", Session())
    require(after["path"] == sessions.GRAPH or CUDA.type == "cpu", f"the next training: {after['path']}")


def memory_is_flat() -> None:
    """What torch and the device hold after the twentieth training, every fourth a failed capture, is that of the fifth."""
    held, used = [], []
    for number in range(20):
        _trained("fp32", Session(), more=synchronises if number % 4 == 3 else functional.relu)
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        free, total = torch.cuda.mem_get_info()
        held.append(torch.cuda.memory_reserved() >> 20)
        used.append((total - free) >> 20)
    require(held[-1] <= held[4], f"MiB reserved after each training: {held}")
    require(used[-1] <= used[4] + 64, f"MiB of the device in use after each training: {used}")


def resident_is_the_same() -> None:
    """Images of a file that stay on the device and images of an array that stream: the same logits."""
    network = small().to(CUDA)
    pixels = made_pixels(300)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "images.npy"
        np.save(file, pixels)
        mapped = np.load(file, mmap_mode="r")
        answers = [
            forward_logits(network, images, MEAN, STD, device=CUDA, batch_size=128) for images in (mapped, pixels, mapped)
        ]
    clear_sets()
    require(all((answer == answers[0]).all() for answer in answers), "streamed and resident images differ")
    on_cpu = forward_logits(network.cpu(), pixels, MEAN, STD)
    require(np.abs(on_cpu - answers[0]).max() < 1e-3 * np.abs(on_cpu).max(), "GPU and CPU judge differently")


def _trained(precision: str, session: Session, dropout: float = 0.0, **more: Any) -> dict[str, Any]:
    return trained(CUDA, precision, session, dropout, **more)


def _assert_equal(one: Mapping[str, Any], other: Mapping[str, Any], what: str) -> None:
    weights: dict[str, Tensor] = one["weights"]
    others: dict[str, Tensor] = other["weights"]
    differing = [name for name in weights if not torch.equal(weights[name], others[name])]
    require(not differing, f"{what} differ in {', '.join(differing[:3])}")
