"""The measuring itself: a second of real training and judging of one network."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from prune_core.base.threads import one_thread
from prune_core.cost.complexity import Complexity, complexity
from prune_core.evaluation.evaluation import forward_logits
from prune_core.networks import build_network
from prune_core.networks.answers import refuse_unable
from prune_core.networks.outline import network_outline
from prune_core.training import DeviceData, Recipe, Session, prepare_runtime, train
from prune_core.trial.description import BaselineDescription
from sweeps.cost.cost import NOT_HERE, Speed
from sweeps.cost.sizes import Sizes

if TYPE_CHECKING:
    from torch import nn

WORK = {"cpu": 4e9, "cuda": 2e12}
"""Multiply-accumulates that one measurement aims at: well below a second on one core, whole batches on a GPU."""

STEPS = {"cpu": 32, "cuda": 200}
"""Training steps of one measurement at most; on a GPU enough that their capture is worth its while, as in a study."""

NOMINAL = 1e12
"""Multiply-accumulates a second, where nothing was measured; finished trials correct it."""


def unmeasured_speed(baseline: BaselineDescription, sizes: Sizes) -> Speed:
    """Return what can be said of a network on a device that is not here: its work and its memory.

    Args:
        baseline: what is trained.
        sizes: of the data.

    Raises:
        BadInput: the network does not take images of that shape.
    """
    described, usual = baseline.network, baseline.training or Recipe()
    options = {"num_classes": sizes.classes, "in_channels": sizes.shape[2], **described.options}
    with one_thread():
        counted = _counted(network_outline(described.name, options), sizes)
    return Speed(
        train=NOMINAL / (3 * counted.macs),
        judge=NOMINAL / counted.macs,
        parameters=counted.parameters,
        activation_bytes=_activation_bytes(counted, usual.batch_size),
        macs=counted.macs,
        device=NOT_HERE,
    )


def measured_speed(baseline: BaselineDescription, sizes: Sizes, threads: int, device: str) -> Speed:
    """Return how fast a network is trained and judges on this machine.

    Args:
        baseline: what is trained.
        sizes: of the data: images of that shape are made up.
        threads: that compute.
        device: ``cpu`` or ``cuda``.

    Raises:
        BadInput: the network does not take images of that shape.
    """
    before = torch.get_num_threads()
    prepare_runtime(device=device, threads=threads)
    try:
        return _speed(baseline, sizes, threads, device)
    finally:
        torch.set_num_threads(before)


def _speed(baseline: BaselineDescription, sizes: Sizes, threads: int, device: str) -> Speed:
    channels = sizes.shape[2]
    described, usual = baseline.network, baseline.training or Recipe()
    network = build_network(described.name, num_classes=sizes.classes, in_channels=channels, **described.options)
    counted = _counted(network, sizes)
    macs = counted.macs
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
        parameters=counted.parameters,
        activation_bytes=_activation_bytes(counted, usual.batch_size),
        macs=macs,
        device="gpu" if device == "cuda" else "cpu",
    )
    if session is not None:
        session.close()
    return speed


def _counted(network: nn.Module, sizes: Sizes) -> Complexity:
    """Show the network two images of the study's shape, and count what it does with one.

    Raises:
        BadInput: it cannot compute them, or its answer is not one number per image and class.
    """
    height, width, channels = sizes.shape
    refuse_unable(network, sizes.shape, sizes.classes)
    counted = complexity(network, (channels, height, width))
    return replace(counted, macs=max(1, counted.macs))


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


def _activation_bytes(counted: Complexity, batch: int) -> int:
    """What the outputs of all layers of one training batch weigh, and as much again for gradients on their way."""
    return 2 * 4 * counted.activation_values * batch
