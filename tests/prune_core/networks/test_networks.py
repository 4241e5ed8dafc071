"""The study's networks to the last parameter, and the ways in which they differ from textbook ones."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from prune_core.base.errors import BadInput, UnknownName
from prune_core.cost.complexity import complexity
from prune_core.networks import NETWORKS, Architecture, architecture_of, build_network, convolutions

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


def on_meta(name: str, **options: Any) -> Any:
    with torch.device("meta"):
        return build_network(name, **options)


def any_network(name: str, **options: Any) -> Any:
    """A network whose parts can be named: to torch's types each is a tensor or a module, nothing more."""
    return build_network(name, **options)


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


def test_options_are_resolved_and_checked() -> None:
    with torch.device("meta"):
        options = architecture_of(build_network("vgg16", num_classes=7)).options
    assert options == {
        "num_classes": 7,
        "in_channels": 3,
        "width": 64,
        "conv_bias": False,
        "head": "linear",
        "initialisation": "he",
    }
    assert architecture_of(on_meta("resnet20")).options["shortcut"] == "a"


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("vgg_16", {}, "did you mean vgg16"),
        ("resnet18", {}, "torchvision:NAME"),
        ("resnet20", {"widht": 8}, "did you mean width"),
        ("resnet20", {"shortcut": "c"}, "allowed: a, a_pool, b"),
        ("resnet20", {"shortcut": "b", "detach_shortcut": True}, "allowed with shortcut a or a_pool"),
        ("resnet20", {"width": 0}, "whole numbers from 1"),
        ("resnet20", {"width": True}, "whole numbers from 1"),
        ("resnet20", {"num_classes": 2.5}, "whole numbers from 1"),
        ("vgg16", {"conv_bias": "yes"}, "allowed: true, false"),
        ("vgg16", {"head": "deep"}, "allowed: linear, mlp"),
        ("torchvision:resnet19", {}, "did you mean resnet1"),
        ("torchvision:resnet18", {"stem": "tiny"}, "allowed: imagenet, small"),
        ("torchvision:vit_b_16", {"stem": "small"}, "patches of 16x16/16"),
    ],
)
def test_bad_input_is_one_line_that_says_what_is_allowed(name: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        build_network(name, **options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, UnknownName) == (said.startswith(("did you mean", "torchvision:")))


@pytest.mark.parametrize(
    "plain", [{}, {"name": "vgg16"}, {"name": "vgg16", "options": {}, "kept": {"a": [0.5]}}, {"name": 3, "options": {}}]
)
def test_a_foreign_description_is_refused(plain: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        Architecture.from_dict(plain)


PLUGIN = """
from typing import Literal

from torch import nn

from prune_core.networks import NETWORKS


@NETWORKS.register("two_layers")
def two_layers(*, num_classes: int, in_channels: int, width: int = 3, activation: Literal["relu", "gelu"] = "relu"):
    act = nn.ReLU() if activation == "relu" else nn.GELU()
    return nn.Sequential(
        nn.Conv2d(in_channels, width, 3), act, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, num_classes)
    )
"""


def test_a_users_network_is_one_file(tmp_path: Path) -> None:
    """In a process of its own, so that the name is gone afterwards."""
    (tmp_path / "my_lab.py").write_text(PLUGIN)
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "import torch, my_lab\n"
        "from prune_core import build_network\n"
        "n = build_network('two_layers', in_channels=1, activation='gelu')\n"
        "assert n(torch.zeros(2, 1, 8, 8)).shape == (2, 10)\n"
        "assert n.architecture.options == dict(num_classes=10, in_channels=1, width=3, activation='gelu')\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), str(root)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def users_own() -> Iterator[Callable[[Callable[..., Any]], str]]:
    """Register a builder under a name of its own, for one test."""

    def add(builder: Callable[..., Any]) -> str:
        NETWORKS.register("users_own")(builder)
        return "users_own"

    yield add
    NETWORKS._entries.pop("users_own", None)


def test_a_users_builder_must_take_what_every_network_takes(users_own: Callable[[Callable[..., Any]], str]) -> None:
    name = users_own(lambda num_classes: nn.Linear(3, num_classes))
    with pytest.raises(BadInput, match="must take 'in_channels'"):
        build_network(name)


def test_a_users_builder_must_return_a_network(users_own: Callable[[Callable[..., Any]], str]) -> None:
    name = users_own(lambda num_classes, in_channels: (num_classes, in_channels))
    with pytest.raises(BadInput, match="returned a tuple"):
        build_network(name)


def test_a_users_options_may_be_numbers_and_text(users_own: Callable[[Callable[..., Any]], str]) -> None:
    def build(*, num_classes: int, in_channels: int, dropout: float, note: str = "") -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Dropout(dropout), nn.Linear(in_channels, num_classes))

    name = users_own(build)
    assert architecture_of(build_network(name, dropout=1)).options["dropout"] == 1.0
    assert isinstance(architecture_of(build_network(name, dropout=1)).options["dropout"], float)
    with pytest.raises(BadInput, match="'dropout' has no default"):
        build_network(name)
    with pytest.raises(BadInput, match="'dropout' is 'much' .allowed: numbers."):
        build_network(name, dropout="much")
    with pytest.raises(BadInput, match="'note' is 3 .allowed: text."):
        build_network(name, dropout=0.5, note=3)


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
