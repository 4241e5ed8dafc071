"""Removed equals masked: property tests over random small networks, masks laid by hooks behind the batch norm."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from prune_core.base.errors import BadInput
from prune_core.networks import NETWORKS, ChannelGroup, Consumer, build_network
from prune_core.pruning import load_network, prune, remove_channels, save_network
from prune_core.pruning.surgery import groups_of, width_of
from prune_core.verification import verify

SIZE = 8


class Stage(nn.Module):
    """A convolution with batch norm, or two of them inside a residual block."""

    def __init__(self, channels: int, width: int, *, residual: bool, bias: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=bias)
        self.bn1 = nn.BatchNorm2d(width)
        if residual:
            self.conv2 = nn.Conv2d(width, channels, 3, padding=1, bias=bias)
            self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, maps: Tensor) -> Tensor:
        inner = F.relu(self.bn1(self.conv1(maps)))
        return F.relu(maps + self.bn2(self.conv2(inner))) if hasattr(self, "conv2") else inner


class RandomCnn(nn.Module):
    """Plain and residual stages in any order, then a flatten or a global pool into one or two linear layers."""

    def __init__(self, structure: int, num_classes: int, in_channels: int) -> None:
        super().__init__()
        draw = random.Random(structure)
        stages, channels = [], in_channels
        for number in range(draw.randint(2, 4)):
            residual = number > 0 and draw.random() < 0.5
            width = draw.randint(2, 6)
            stages.append(Stage(channels, width, residual=residual, bias=draw.random() < 0.5))
            channels = channels if residual else width
        self.stages = nn.Sequential(*stages)
        self.positions = draw.choice([1, 4, 16])
        hidden = draw.choice([None, 5])
        inputs = channels * self.positions
        self.head = nn.Linear(inputs, num_classes)
        if hidden is not None:
            self.head = nn.Linear(inputs, hidden)
            self.out = nn.Linear(hidden, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        maps = F.adaptive_avg_pool2d(self.stages(images), int(self.positions**0.5))
        logits = self.head(maps.flatten(1))
        return self.out(F.relu(logits)) if hasattr(self, "out") else logits

    def channel_groups(self) -> list[ChannelGroup]:
        found = []
        for number, stage in enumerate(self.stages):
            name = f"stages.{number}"
            readers = [Consumer(f"{name}.conv2")]
            if not hasattr(stage, "conv2"):
                following = list(self.stages)[number + 1 :]
                if any(hasattr(other, "conv2") for other in following[:1]):
                    continue  # its output is the stream of a residual block
                readers = [Consumer(f"stages.{number + 1}.conv1")] if following else [Consumer("head", self.positions)]
            found.append(ChannelGroup(f"{name}.conv1", f"{name}.conv1", f"{name}.bn1", tuple(readers)))
        return found


def build_random(*, num_classes: int, in_channels: int, structure: int = 1) -> nn.Module:
    return RandomCnn(structure, num_classes, in_channels)


@pytest.fixture(autouse=True, scope="module")
def registered() -> Iterator[None]:
    """File the random family among the networks while these tests run."""
    NETWORKS.register("random_cnn")(build_random)
    yield
    del NETWORKS._entries["random_cnn"]


def lived_in(network: Any, seed: int) -> Any:
    """Give every batch norm scales, shifts and statistics that a fresh network has not got."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            for tensor in (module.weight.data, module.bias.data, module.running_mean):
                tensor.copy_(torch.randn(tensor.shape, generator=generator))
            module.running_var.copy_(torch.rand(module.num_features, generator=generator) + 0.1)
    return network.eval()


def masked_outputs(network: Any, kept: dict[str, list[int]], images: Tensor) -> Tensor:
    """Run the whole network, every removed channel set to zero by a hook right behind its batch norm."""
    handles = []
    for name, indices in kept.items():
        norm = network.get_submodule(groups_of(network)[name].norm)
        mask = torch.zeros(norm.num_features, dtype=torch.float64)
        mask[indices] = 1
        handles.append(norm.register_forward_hook(lambda _m, _i, maps, mask=mask: maps * mask[:, None, None]))
    with torch.no_grad():
        outputs = network(images)
    for handle in handles:
        handle.remove()
    return outputs


def check_removed_equals_masked(network: nn.Module, kept: dict[str, list[int]], images: Tensor) -> nn.Module:
    network = network.double()
    removed = copy.deepcopy(network)
    remove_channels(removed, kept)
    with torch.no_grad():
        torch.testing.assert_close(removed(images), masked_outputs(network, kept, images), rtol=1e-10, atol=1e-10)
    return removed


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(1, 10_000), st.data())
def test_removed_equals_masked_in_random_networks(structure: int, data: st.DataObject) -> None:
    torch.manual_seed(structure)
    network = lived_in(build_network("random_cnn", structure=structure, num_classes=3, in_channels=2), structure)
    kept = {}
    for name, group in groups_of(network).items():
        channels = st.sets(st.integers(0, width_of(network, group) - 1), min_size=1)
        kept[name] = sorted(data.draw(channels, label=name))
    removed = check_removed_equals_masked(network, kept, torch.randn(2, 2, SIZE, SIZE, dtype=torch.float64))
    for name, indices in kept.items():
        assert removed.get_submodule(name).out_channels == len(indices)


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 10_000), st.sampled_from(["unstructured", "l1_filter", "network_slimming"]))
def test_random_networks_pass_their_verification(structure: int, method: str) -> None:
    torch.manual_seed(structure)
    network = lived_in(build_network("random_cnn", structure=structure, num_classes=3, in_channels=2), structure)
    if not groups_of(network):
        return
    found = verify(network, prune(network, method, "0.6"), torch.randn(2, 2, SIZE, SIZE))
    assert found.passed, found.reason


@pytest.mark.parametrize(
    ("name", "options"),
    [("small_preresnet", {}), ("resnet8", {"shortcut": "b"}), ("small_vgg", {"head": "mlp", "conv_bias": True})],
)
def test_removed_equals_masked_in_shipped_networks(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = lived_in(build_network(name, width=4, **options), 1)
    draw = random.Random(1)
    kept = {}
    for key, group in groups_of(network).items():
        width = width_of(network, group)
        kept[key] = sorted(draw.sample(range(width), draw.randint(1, width)))
    images = torch.randn(2, 3, 16, 16, dtype=torch.float64)
    removed = check_removed_equals_masked(network, kept, images)
    save_network(removed, tmp_path / "a.safetensors")
    assert torch.equal(load_network(tmp_path / "a.safetensors").eval()(images), removed(images))


def test_selection_keeps_the_stream_whole() -> None:
    network: Any = build_network("small_preresnet", width=4)
    groups = groups_of(network)
    [name, group] = next((name, group) for name, group in groups.items() if group.kind == "selection")
    stream = network.get_submodule(group.norm).num_features
    remove_channels(network, {name: [1, 3]})
    assert network.get_submodule(group.norm).num_features == stream
    assert [network.get_submodule(reader.name).in_channels for reader in group.consumers] == [2]


def test_indices_are_the_dense_networks_after_two_operations() -> None:
    network: Any = build_network("small_vgg", width=8)
    first = next(iter(groups_of(network)))
    original = network.get_submodule(first).weight.detach().clone()
    remove_channels(network, {first: [0, 2, 4, 6]})
    remove_channels(network, {first: [1, 3]})
    assert network.architecture.kept == {first: [2, 6]}
    assert torch.equal(network.get_submodule(first).weight, original[[2, 6]])


@pytest.mark.parametrize("indices", [[], [0, 0], [1, 0], [0, 8], [-1, 2], [True], "01", [0.0]])
def test_indices_that_are_none(indices: object) -> None:
    network = build_network("small_vgg", width=8)
    with pytest.raises(BadInput, match="ascending integers"):
        remove_channels(network, {next(iter(groups_of(network))): indices})  # type: ignore[dict-item]


def test_a_group_that_is_none() -> None:
    with pytest.raises(BadInput, match=r"no channel group 'nowhere'.*features\.0"):
        remove_channels(build_network("small_vgg", width=4), {"nowhere": [0]})


def test_only_convolution_zeroed_is_not_masked() -> None:
    """The check can fail: with the filter zeroed before the batch norm, its shift still speaks."""
    torch.manual_seed(0)
    network = lived_in(build_network("small_vgg", width=4), 0).double()
    name = next(iter(groups_of(network)))
    wrong = copy.deepcopy(network)
    wrong.get_submodule(name).weight.data[2:] = 0
    images = torch.randn(2, 3, 16, 16, dtype=torch.float64)
    removed = copy.deepcopy(network)
    remove_channels(removed, {name: [0, 1]})
    with torch.no_grad():
        assert float((wrong(images) - removed(images)).abs().max()) > 1e-3
