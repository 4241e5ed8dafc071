"""How fast each network is on this machine: a second of real training and judging, remembered beside the data's cache."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from prune_core.base.description import content_key
from prune_core.base.errors import BadInput, first_line
from prune_core.base.files import read_json, write_json
from prune_core.base.memory_format import as_logits
from prune_core.cost.complexity import activation_values, complexity
from prune_core.data.cache import default_cache
from prune_core.evaluation.evaluation import forward_logits
from prune_core.networks import build_network
from prune_core.training import DeviceData, Recipe, Session, prepare_runtime, train
from prune_core.trial.description import BaselineDescription
from sweeps.cost.cost import Speed
from sweeps.cost.sizes import Sizes
from sweeps.study.model import Study

if TYPE_CHECKING:
    from torch import nn

    from sweeps.plan.trials import PlannedTrial

WORK = {"cpu": 4e9, "cuda": 2e12}
"""Multiply-accumulates that one measurement aims at: well below a second on one core, whole batches on a GPU."""

STEPS = {"cpu": 32, "cuda": 200}
"""Training steps of one measurement at most; on a GPU enough that their capture is worth its while, as in a study."""

FRESH_SECONDS = 3600.0
"""A measurement is believed so long: what else runs on the machine changes."""


def speeds_of(
    study: Study,
    trials: Iterable[PlannedTrial],
    sizes: Sizes,
    *,
    cache: Path | None = None,
    on_failure: Callable[[str, str], None] | None = None,
) -> dict[str, Speed]:
    """Return the speed of every network that the trials name, by label: on the study's device, or the CPU if it is not here.

    Args:
        study: the resolved study.
        trials: of any kind.
        sizes: of the data: images of that shape are made up.
        cache: where measured speeds are remembered; by default beside the data.
        on_failure: called with the label of a network that cannot be measured, and what is wrong in one line.

    Raises:
        BadInput: a network cannot be measured, and nobody asked to be called.
    """
    folder = (cache or default_cache()) / "speeds"
    speeds = {}
    for label, baseline in trained_baselines(trials).items():
        try:
            speeds[label] = _remembered(study, baseline, sizes, folder)
        except Exception as error:
            reason = str(error) if isinstance(error, BadInput) else first_line(error)
            if on_failure is None:
                raise BadInput(f"network {label} cannot be measured: {reason}") from error
            on_failure(label, reason)
    return speeds


def trained_baselines(trials: Iterable[PlannedTrial]) -> dict[str, BaselineDescription]:
    """Return a baseline of every network, by label, with the recipe of its epochs: that of fine-tuning for a checkpoint."""
    known = list(trials)
    baselines = {trial.network: trial.description.baseline for trial in known}
    tuned = {trial.network: trial.description.fine_tuning for trial in known if trial.description.fine_tuning is not None}
    return {
        label: each if each.training is not None else replace(each, training=tuned.get(label))
        for label, each in baselines.items()
    }


def _remembered(study: Study, baseline: BaselineDescription, sizes: Sizes, folder: Path) -> Speed:
    import torch

    device = "cuda" if study.resources.device == "cuda" and torch.cuda.is_available() else "cpu"
    recipe = baseline.training or Recipe()
    identity = {
        "network": baseline.network.to_plain(),
        "batch": recipe.batch_size,
        "threads": baseline.threads,
        "shape": list(sizes.shape),
        "classes": sizes.classes,
        "host": platform.node(),
        "torch": torch.__version__,
        "augmentation": recipe.augmentation,
        "device": device,
    }
    path = folder / f"{content_key(identity)}.json"
    known = _fresh(path)
    if known is not None:
        return known
    speed = _measured(baseline, sizes, study.resources.threads, device)
    try:
        write_json(path, vars(speed))
    except OSError:
        return speed  # a cache that cannot be written costs a second next time
    return speed


def _fresh(path: Path) -> Speed | None:
    try:
        return Speed(**read_json(path)) if time.time() - path.stat().st_mtime < FRESH_SECONDS else None
    except (OSError, ValueError, TypeError):
        return None


def _measured(baseline: BaselineDescription, sizes: Sizes, threads: int, device: str) -> Speed:
    import torch

    before = torch.get_num_threads()
    prepare_runtime(device=device, threads=threads)
    try:
        return _speed(baseline, sizes, threads, device)
    finally:
        torch.set_num_threads(before)


def _speed(baseline: BaselineDescription, sizes: Sizes, threads: int, device: str) -> Speed:
    height, width, channels = sizes.shape
    described, usual = baseline.network, baseline.training or Recipe()
    network = build_network(described.name, num_classes=sizes.classes, in_channels=channels, **described.options)
    _check_network(network, sizes)
    macs = max(1, complexity(network, (channels, height, width)).macs)
    activation_bytes = _activation_bytes(network, usual.batch_size, (channels, height, width))
    network.to(device)
    recipe = replace(usual, epochs=1, schedule="constant", milestones=())
    count = _whole_batches(WORK[device] / (3 * macs), recipe.batch_size, STEPS[device])
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (max(count, 64), *sizes.shape), dtype=np.uint8)
    labels = generator.integers(0, sizes.classes, len(images))
    mean, std = [0.5] * channels, [0.25] * channels
    data = DeviceData.of(images[:count], labels[:count], mean=mean, std=std, augmentation=recipe.augmentation, device=device)
    judged = min(len(images), max(16, int(WORK[device] / macs)))

    session = Session.on(data.padded.device)

    def learn() -> None:
        train(network, data, recipe, epochs_from=0, epochs_to=1, stream=("calibration",), session=session)

    def judge() -> None:
        forward_logits(network, images[:judged], mean, std, device=device)

    speed = Speed(
        train=count / _seconds(learn, threads, device),
        judge=judged / _seconds(judge, threads, device),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        activation_bytes=activation_bytes,
        macs=macs,
        device="gpu" if device == "cuda" else "cpu",
    )
    if session is not None:
        session.close()
    return speed


def _check_network(network: nn.Module, sizes: Sizes) -> None:
    """Show the network two images of the study's shape.

    Raises:
        BadInput: it cannot compute them, or its answer is not one number per image and class.
    """
    import torch

    height, width, channels = sizes.shape
    try:
        with torch.inference_mode():
            logits = as_logits(network.eval()(torch.zeros(2, channels, height, width)))
    except Exception as error:
        raise BadInput(f"it cannot compute images of {height}x{width}x{channels}: {first_line(error)}") from error
    if tuple(logits.shape) != (2, sizes.classes):
        raise BadInput(f"it answers two images with {tuple(logits.shape)} values, not (2, {sizes.classes})")


def _whole_batches(images: float, batch: int, most: int) -> int:
    """So many images that no batch is smaller than the others; a single small batch for a network that is slow."""
    return max(1, min(int(images) // batch, most)) * batch if images >= batch else max(4, int(images))


def _seconds(work: Callable[[], None], threads: int, device: str) -> float:
    """The better of two runs after a first one that warms up. CPU time with one thread: others may be at work here."""
    # on a GPU the work ends by itself with a look at its result, which waits for the device
    clock = time.process_time if threads == 1 and device == "cpu" else time.perf_counter
    work()
    found = []
    for _ in range(2):
        started = clock()
        work()
        found.append(clock() - started)
    return max(min(found), 1e-6)


def _activation_bytes(network: nn.Module, batch: int, shape: tuple[int, int, int]) -> int:
    """What the outputs of all layers of one training batch weigh, and as much again for gradients on their way."""
    import torch

    return 2 * 4 * activation_values(network, torch.zeros(1, *shape)) * batch
