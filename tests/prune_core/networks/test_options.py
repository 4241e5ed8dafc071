"""What a network may be asked for: its options, foreign descriptions, and networks of a user's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from prune_core.base.errors import BadInput, UnknownName
from prune_core.networks import NETWORKS, Architecture, architecture_of, build_network
from tests.prune_core.networks.building import on_meta


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
