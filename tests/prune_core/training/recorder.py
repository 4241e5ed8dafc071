"""A recorder of operators in place of CUDA, and small trainings that it records."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from prune_core.training import DeviceData, Recipe, Session, TrainingState, train
from prune_core.training.trace import OperatorTrace

STREAM = ("test", 0)


RECIPE = Recipe(epochs=3, batch_size=8, learning_rate=0.05, augmentation="shift", schedule="step", milestones=(1, 2))


class Recorder:
    """Stands for `torch.cuda.CUDAGraph`."""

    made: list[Recorder] = []
    spoil: Callable[[Recorder], None] | None = None

    def __init__(self) -> None:
        self.trace: OperatorTrace | None = OperatorTrace(replayable=True)
        self.replays = 0
        Recorder.made.append(self)

    def replay(self) -> None:
        assert self.trace is not None
        self.replays += 1
        self.trace.replay()
        if Recorder.spoil is not None:
            Recorder.spoil(self)

    def reset(self) -> None:
        self.trace = None


class Generator:
    """Stands for the generator of a device, which a failed capture leaves in a bad state."""

    def __init__(self) -> None:
        self.restored: list[str] = []

    def clone_state(self) -> str:
        return "before"

    def graphsafe_set_state(self, state: str) -> None:
        self.restored.append(state)


class Device:
    """Stands for a GPU: its streams, and what its allocator was told."""

    def __init__(self) -> None:
        self.default = self.current = "main"
        self.calls: list[tuple[object, ...]] = []
        self.streams = 0
        self.pools: list[tuple[int, int]] = []
        self.watched: nn.Module = nn.Identity()

    def new_stream(self, _: torch.device) -> Stream:
        self.streams += 1
        return Stream(self, f"side {self.streams}")

    def new_pool(self) -> tuple[int, int]:
        self.pools.append((0, len(self.pools) + 1))
        return self.pools[-1]

    @contextlib.contextmanager
    def on(self, stream: Stream) -> Iterator[None]:
        before, self.current = self.current, stream.name
        try:
            yield
        finally:
            self.current = before

    def note(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.calls.append((name, *arguments))

    def set_stream(self, stream: Stream) -> None:
        self.current = stream.name


class Stream:
    def __init__(self, device: Device, name: str) -> None:
        self.device, self.name = device, name

    def wait_stream(self, other: Stream) -> None:
        self.device.calls.append((self.name, "waits for", other.name))


def small_net(extra: nn.Module | None = None) -> Any:
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()]
    return nn.Sequential(*layers, *([] if extra is None else [extra]), nn.Linear(16, 3))


def images(count: int = 50) -> DeviceData:
    """By default six batches of 8 and a last one of 2."""
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (count, 8, 8, 1), dtype=np.uint8)
    return DeviceData.of(pixels, draw.integers(0, 3, count), mean=(0.5,), std=(0.25,), augmentation="shift")


DATA = images()


def trained(network: nn.Module, session: Session, start: int = 0, end: int = 3, **more: Any) -> TrainingState:
    data = more.pop("data", None) or DATA
    recipe = more.pop("recipe", RECIPE)
    return train(network, data, recipe, epochs_from=start, epochs_to=end, stream=STREAM, session=session, **more)


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))
