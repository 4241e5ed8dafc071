"""One step's operators, recorded and run again on the same tensors, are the next steps: what a CUDA graph does."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from prune_core.networks import NETWORKS, build_network
from prune_core.pruning import METHODS, outcome_of, prune
from prune_core.training import DeviceData, Recipe
from prune_core.training.graph import NotCaptured, refuse_by_module, refuse_by_trace
from prune_core.training.kept import Kept
from prune_core.training.optimizer import Masks, Sgd
from prune_core.training.step import DeviceStep
from prune_core.training.trace import OperatorTrace

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
PAPER: dict[str, Any] = {
    "vgg19-weights": ("vgg19", {"conv_bias": True, "initialisation": "study_unstructured"}),
    "preresnet110": ("preresnet110", {"initialisation": "study_unstructured"}),
    "vgg16": ("vgg16", {"head": "mlp", "initialisation": "study_l1_filter"}),
    "resnet110": ("resnet110", {"shortcut": "a_pool", "initialisation": "study_l1_filter"}),
    "vgg19-slimming": ("vgg19", {"initialisation": "study_network_slimming"}),
    "preresnet164": ("preresnet164", {"initialisation": "study_network_slimming"}),
}


def images(count: int = 11, side: int = 32) -> DeviceData:
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    labels = draw.integers(0, 10, count)
    return DeviceData.of(pixels, labels, mean=(0.5,) * 3, std=(0.25,) * 3, augmentation="crop_flip")


def step_of(
    network: nn.Module, *, masks: Mapping[str, Tensor] | None = None, data: DeviceData | None = None, **recipe: object
) -> DeviceStep:
    """A step at the start of an epoch of falling rates: one that is burnt into the operators would be seen."""
    plain = {"epochs": 1, "batch_size": 2, "schedule": "cosine", "augmentation": "crop_flip", "sparsity": 1e-4, **recipe}
    chosen = Recipe.from_dict(plain)
    network.to(memory_format=torch.channels_last).train()
    step = DeviceStep(
        network,
        images() if data is None else data,
        chosen,
        optimizer=Sgd(network, chosen),
        masks=Masks(network, masks or {}),
        loss=torch.zeros((), dtype=torch.float64),
        hits=torch.zeros((), dtype=torch.int64),
    )
    step.begin(("test", 0), 0, 0, chosen)
    return step


def assert_replays_are_steps(step: DeviceStep, count: int = 3) -> None:
    start = Kept(step.tensors(), CPU)
    with OperatorTrace(replayable=True) as trace:
        step.run()
    assert trace.host_read is None
    start.restore()
    assert start.same_as(step.tensors())
    for _ in range(count):
        step.run()
    eager = Kept(step.tensors(), CPU)
    assert not start.same_as(step.tensors()) and int(step.counter) == count
    start.restore()
    for _ in range(count):
        trace.replay()
    assert eager.same_as(step.tensors())


@pytest.mark.parametrize(
    "name", [name for name in NETWORKS.names() if name not in {options[0] for options in PAPER.values()}]
)
def test_every_network(name: str) -> None:
    torch.manual_seed(0)
    assert_replays_are_steps(step_of(build_network(name, width=4)), count=2)


@pytest.mark.slow
@pytest.mark.parametrize("label", PAPER)
def test_the_networks_of_the_paper(label: str) -> None:
    torch.manual_seed(0)
    name, options = PAPER[label]
    assert_replays_are_steps(step_of(build_network(name, **options)), count=2)


@pytest.mark.parametrize("method", METHODS.names())
@pytest.mark.parametrize("name", ["resnet8", "small_vgg", "small_preresnet"])
def test_every_method(method: str, name: str) -> None:
    """Fine-tuning of what it leaves, with its masks: what is gone stays exactly zero through the replays."""
    torch.manual_seed(0)
    data = images()
    options = {"batches": list(data.batches(4, ("scores",), 0))} if METHODS.get(method).needs_batches else {}
    pruned = prune(build_network(name), method, 0.5, **options)
    masks = outcome_of(pruned).masks
    step = step_of(pruned, masks=masks, data=data, sparsity=0.0)
    assert_replays_are_steps(step)
    parameters = dict(pruned.named_parameters())
    assert all((parameters[mask][~keep] == 0).all() for mask, keep in masks.items())
    assert bool(masks) == (METHODS.get(method).granularity == "weights")


@pytest.mark.parametrize(
    "recipe",
    [
        {"precision": "bf16"},
        {"precision": "tf32"},
        {"nesterov": True, "label_smoothing": 0.1},
        {"momentum": 0.0, "weight_decay": 0.0},
        {"augmentation": "none"},
    ],
)
def test_every_recipe(recipe: dict[str, Any]) -> None:
    torch.manual_seed(0)
    assert_replays_are_steps(step_of(build_network("resnet8"), **recipe))


class Small(nn.Module):
    """A network whose forward pass does one thing more."""

    def __init__(self, more: Callable[[Small, Tensor], Tensor]) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 10)
        self.register_buffer("mean", torch.zeros(4))
        self.calls = 0
        self.more = more

    def forward(self, pictures: Tensor) -> Tensor:
        maps = self.norm(self.convolution(pictures))
        logits: Tensor = self.head(self.more(self, maps).mean((2, 3)))
        return logits


def test_dropout_draws_on() -> None:
    """Each replay draws anew, from the generator that the step drew from."""
    torch.manual_seed(0)
    assert_replays_are_steps(step_of(Small(lambda _, maps: functional.dropout(maps, 0.5))))


def scaled_by_calls(network: Small, maps: Tensor) -> Tensor:
    network.calls += 1
    return maps * (1.0 + 1.0 / network.calls)


def replaces_buffer(network: Any, maps: Tensor) -> Tensor:
    network.mean = 0.9 * network.mean + 0.1 * maps.detach().mean((0, 2, 3))
    return maps


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (lambda _, maps: maps * float(maps.detach().mean()), "reads a value on the host"),
        (lambda _, maps: maps if bool((maps > 0).any()) else -maps, "reads a value on the host"),
        (lambda _, maps: maps * len(maps[maps > 0]), "reads a value on the host"),
        (lambda _, maps: maps * len(torch.nonzero(maps)), "reads a value on the host"),
        (lambda _, maps: maps * random.random(), "random numbers on the host"),
        (lambda _, maps: maps * np.random.rand(), "random numbers on the host"),  # noqa: NPY002
        (scaled_by_calls, "not the same operators"),
        (replaces_buffer, "replaces a parameter or buffer"),
    ],
)
def test_what_cannot_be_replayed_is_refused(more: Callable[[Small, Tensor], Tensor], why: str) -> None:
    with pytest.raises(NotCaptured, match=why):
        refuse_by_trace(step_of(Small(more)))


def test_what_can_be_replayed_is_not_refused() -> None:
    step = step_of(Small(lambda _, maps: functional.relu(maps)))
    refuse_by_module(step.network)
    refuse_by_trace(step)


def test_batch_norm_without_momentum_is_refused() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, momentum=None), nn.Flatten(), nn.LazyLinear(10))
    network(torch.zeros(2, 3, 32, 32))
    with pytest.raises(NotCaptured, match=r"'1' has momentum=None"):
        refuse_by_module(network)
    with pytest.raises(NotCaptured, match="reads a value on the host"):
        refuse_by_trace(step_of(network))


def test_kept_values_are_compared_to_the_bit() -> None:
    tensor = torch.tensor([0.0, float("nan"), 1.0])
    kept = Kept([tensor], CPU)
    assert kept.same_as([tensor.clone()])
    assert not kept.same_as([torch.tensor([-0.0, float("nan"), 1.0])])
    assert not kept.same_as([torch.tensor([0.0, 0.0, 1.0])])
    tensor.fill_(7)
    kept.restore()
    assert kept.same_as([tensor])
