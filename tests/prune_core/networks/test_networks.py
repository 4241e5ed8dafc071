"""The study's networks to the last parameter, and the ways in which they differ from textbook ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from prune_core.cost.complexity import complexity
from prune_core.networks import NETWORKS, convolutions
from tests.prune_core.networks.building import on_meta

# counted on the networks of the code of Liu et al. 2019 (arXiv:1810.05270): parameters, convolution weights, convolutions,
# BatchNorm2d channels and layers, classifier parameters, MACs
STUDY: dict[str, tuple[str, dict[str, Any], tuple[int, ...]]] = {
    "weight-level VGG-19": ("vgg19", {"conv_bias": True}, (20040522, 20018880, 16, 5504, 16, 5130, 398136320)),
    "weight-level VGG-16": ("vgg16", {"conv_bias": True}, (14728266, 14710464, 13, 4224, 13, 5130, 313201664)),
    "weight-level PreResNet-110": ("preresnet110", {}, (1146842, 1128112, 112, 8080, 109, 2570, 167430656)),
    "L1 VGG-16": ("vgg16", {"head": "mlp"}, (14987722, 14710464, 13, 4224, 13, 267786, 313463808)),
    "L1 ResNet-56": ("resnet56", {"shortcut": "a_pool"}, (853018, 848304, 55, 2032, 55, 650, 125485696)),
    "L1 ResNet-110": ("resnet110", {"shortcut": "a_pool"}, (1727962, 1719216, 109, 4048, 109, 650, 252887680)),
    "slimming VGG-19": ("vgg19", {}, (20035018, 20018880, 16, 5504, 16, 5130, 398136320)),
    "slimming PreResNet-164": ("preresnet164", {}, (1703258, 1676464, 166, 12112, 163, 2570, 247646720)),
}


@pytest.mark.parametrize(("name", "options", "expected"), STUDY.values(), ids=STUDY)
def test_the_studys_networks_have_the_published_sizes(name: str, options: dict[str, Any], expected: tuple[int, ...]) -> None:
    network = on_meta(name, **options)
    convs = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    heads = [module for module in network.modules() if isinstance(module, nn.Linear | nn.BatchNorm1d)]
    counted = (
        sum(parameter.numel() for parameter in network.parameters()),
        sum(conv.weight.numel() for conv in convs),
        len(convs),
        sum(norm.num_features for norm in norms),
        len(norms),
        sum(parameter.numel() for head in heads for parameter in head.parameters()),
        complexity(network).macs,
    )
    # The published size of L1 VGG-16's linear layers leaves out the 1,024 parameters of the batch norm between them.
    between = sum(parameter.numel() for head in heads if isinstance(head, nn.BatchNorm1d) for parameter in head.parameters())
    assert (*counted[:5], counted[5] - between, counted[6]) == expected


@pytest.mark.parametrize(("name", "options", "expected"), STUDY.values(), ids=STUDY)
def test_macs_by_a_second_counter(name: str, options: dict[str, Any], expected: tuple[int, ...]) -> None:
    network = on_meta(name, **options).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(1, 3, 32, 32, device="meta"))
    assert counter.get_total_flops() == 2 * expected[-1]


@pytest.mark.parametrize(
    ("depth", "published"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)], ids=lambda value: str(value)
)
def test_resnet_sizes_of_he_et_al(depth: int, published: float) -> None:
    """He et al. 2016, table 6, in millions; shortcut "b" adds two 1x1 convolutions and their batch norms."""
    plain = sum(parameter.numel() for parameter in on_meta(f"resnet{depth}").parameters())
    # 432 + 32 for the stem; n blocks per stage, without a projection; 650 for the linear layer.
    n = (depth - 2) // 6
    by_hand = 464 + 650 + sum(2 * n * (9 * w * w + 2 * w) for w in (16, 32, 64)) - 9 * (16 * 32 + 32 * 64)
    assert plain == by_hand
    assert abs(plain / 1e6 - published) < 0.05 * published
    projected = sum(parameter.numel() for parameter in on_meta(f"resnet{depth}", shortcut="b").parameters())
    assert projected - plain == 16 * 32 + 32 * 64 + 2 * (32 + 64)


def test_resnet20_counts_known_from_public_code() -> None:
    assert sum(parameter.numel() for parameter in on_meta("resnet20").parameters()) == 269_722
    assert sum(parameter.numel() for parameter in on_meta("resnet20", shortcut="b").parameters()) == 272_474


def test_convolution_numbers_of_resnets() -> None:
    """The stem is 1 and block b has 2b and 2b + 1, with and without convolutions in the shortcuts."""
    for shortcut in ("a", "b"):
        names = [name for name, _ in convolutions(on_meta("resnet56", shortcut=shortcut))]
        assert names[0] == "conv1"
        assert names[2 * 1 - 1] == "layer1.0.conv1"
        assert names[2 * 10 - 1 : 2 * 10 + 1] == ["layer2.0.conv1", "layer2.0.conv2"]
        assert names[54 - 1] == "layer3.8.conv1"
    assert names[55:] == ["layer2.0.shortcut.0", "layer3.0.shortcut.0"]


def test_importing_the_package_does_not_import_torch() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import prune_core, prune_core.base.errors\n"
        "assert 'torch' not in sys.modules\n"
        "import prune_core.complexity\n"
        "from prune_core import complexity, build_network\n"
        "assert complexity(build_network('resnet20')).parameters == 269722\n"
    )
    root = str(Path(__file__).parents[3])
    done = subprocess.run([sys.executable, "-c", code, root], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_names_of_the_contract_are_registered() -> None:
    promised = "vgg16 vgg19 resnet8 resnet20 resnet32 resnet44 resnet56 resnet110 preresnet110 preresnet164 small_vgg"
    assert set(promised.split()) <= set(NETWORKS)
