"""The parts in which the study's networks differ from textbook ones: shortcuts, pre-activation, channels, initialisation."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prune_core.networks import build_network, convolutions
from tests.prune_core.networks.building import any_network, on_meta


def counting_maps(channels: int, size: int = 4) -> Tensor:
    return torch.arange(channels * size * size, dtype=torch.float32).view(1, channels, size, size) + 1


def test_shortcut_a_strides_and_pads_both_sides() -> None:
    shortcut = any_network("resnet8", width=2).layer2[0].shortcut
    maps = counting_maps(2)
    out = shortcut(maps)
    assert out.shape == (1, 4, 2, 2)
    assert out[0, 1].tolist() == [[1, 3], [9, 11]]
    assert out[0, 2].tolist() == [[17, 19], [25, 27]]
    assert not out[0, [0, 3]].any()


def test_shortcut_a_pool_averages_and_pads_at_the_end() -> None:
    shortcut = any_network("resnet8", width=2, shortcut="a_pool").layer2[0].shortcut
    out = shortcut(counting_maps(2))
    assert out[0, 0].tolist() == [[3.5, 5.5], [11.5, 13.5]]
    assert out[0, 1].tolist() == [[19.5, 21.5], [27.5, 29.5]]
    assert not out[0, 2:].any()


@pytest.mark.parametrize("shortcut", ["a", "a_pool"])
def test_detached_shortcut_stops_the_gradient_at_transitions_only(shortcut: str) -> None:
    maps = counting_maps(2).requires_grad_()
    flowing = any_network("resnet8", width=2, shortcut=shortcut)
    stopped = any_network("resnet8", width=2, shortcut=shortcut, detach_shortcut=True)
    assert flowing.layer2[0].shortcut(maps).requires_grad
    assert not stopped.layer2[0].shortcut(maps).requires_grad
    assert stopped.layer1[0].shortcut(maps).requires_grad
    assert torch.equal(flowing.layer2[0].shortcut(maps), stopped.layer2[0].shortcut(maps))


def test_preactivation_block_reads_the_raw_input_beside() -> None:
    """BN-ReLU-1x1, BN-ReLU-3x3/2, BN-ReLU-1x1, plus a 1x1/2 convolution of the input before its batch norm."""
    torch.manual_seed(0)
    network = any_network("preresnet110", width=3).eval()
    block = network.layer2[0]
    maps = torch.randn(2, 12, 8, 8)

    def norm(layer: nn.BatchNorm2d, values: Tensor) -> Tensor:
        return F.relu(F.batch_norm(values, layer.running_mean, layer.running_var, layer.weight, layer.bias))

    inner = F.conv2d(norm(block.bn1, maps), block.conv1.weight)
    inner = F.conv2d(norm(block.bn2, inner), block.conv2.weight, stride=2, padding=1)
    inner = F.conv2d(norm(block.bn3, inner), block.conv3.weight)
    expected = inner + F.conv2d(maps, block.shortcut.weight, stride=2)
    torch.testing.assert_close(block(maps), expected)
    projected = [name for name, _ in convolutions(network) if "shortcut" in name]
    assert projected == ["layer1.0.shortcut", "layer2.0.shortcut", "layer3.0.shortcut"]


@pytest.mark.parametrize("name", ["preresnet110", "preresnet164"])
def test_selection_is_neither_trained_nor_counted(name: str) -> None:
    network = on_meta(name)
    assert not any("select" in label for label, _ in network.named_parameters())
    indices = [buffer for label, buffer in network.named_buffers() if label.endswith("select.index")]
    blocks = (int(name.removeprefix("preresnet")) - 2) // 3
    assert len(indices) == blocks + 1
    if name == "preresnet164":
        # The original's index vectors are parameters: 1,711,338 with them.
        assert sum(index.numel() for index in indices) == 1_711_338 - 1_703_258


@pytest.mark.parametrize(
    ("name", "options", "channels"),
    [
        ("vgg19", {}, 5504),
        ("vgg16", {"head": "mlp"}, 4224),
        ("preresnet110", {}, 8080),
        ("preresnet164", {}, 12112),
        # The first convolution of every block: 18 of 16, 32 and 64 channels.
        ("resnet110", {}, 18 * (16 + 32 + 64)),
    ],
)
def test_channels_that_can_be_pruned(name: str, options: dict[str, Any], channels: int) -> None:
    """Network slimming pools every batch-norm channel of VGGs and of pre-activation networks."""
    network = on_meta(name, **options)
    groups = network.channel_groups()
    assert sum(network.get_submodule(group.norm).num_features for group in groups) == channels
    if options.get("head") == "mlp":
        assert groups[-1].consumers[0].name == "classifier.0"


@pytest.mark.parametrize(
    ("name", "initialisation", "fan", "scale", "linear"),
    [
        ("vgg16", "he", "out", 1.0, None),
        ("vgg16", "study_unstructured", "in", 1.0, 0.01),
        ("vgg16", "study_l1_filter", "out", 0.5, 0.01),
        ("vgg16", "study_network_slimming", "out", 0.5, 0.01),
        ("resnet56", "study_l1_filter", "out", 1.0, None),
        ("preresnet110", "study_unstructured", "out", 1.0, None),
        ("preresnet110", "study_network_slimming", "out", 0.5, None),
    ],
)
def test_initialisations_of_the_study(name: str, initialisation: str, fan: str, scale: float, linear: float | None) -> None:
    torch.manual_seed(0)
    network = build_network(name, width=32, initialisation=initialisation)
    for _, conv in convolutions(network):
        size = conv.weight.numel()
        if size < 4096:
            continue
        channels = conv.in_channels if fan == "in" else conv.out_channels
        std = math.sqrt(2 / (conv.kernel_size[0] ** 2 * channels))
        # Four standard errors of a standard deviation estimated from so many normal draws.
        assert abs(conv.weight.std().item() / std - 1) < 4 / math.sqrt(2 * size)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.weight.unique().item() == scale
            assert not module.bias.any()
        if isinstance(module, nn.Linear) and linear is not None:
            assert abs(module.weight.std().item() / linear - 1) < 4 / math.sqrt(2 * module.weight.numel())
            assert not module.bias.any()
        if isinstance(module, nn.Linear) and linear is None:
            # The framework draws weights uniformly below 1 / sqrt(inputs).
            assert 0.9 < module.weight.abs().max().item() * math.sqrt(module.in_features) <= 1
