"""Networks that users bring: depthwise, residual, grouped, flattened; what cannot be pruned right is refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("torch_pruning")

from prune_core.base.errors import BadInput
from prune_core.networks import NETWORKS, build_network
from prune_core.pruning import load_network, outcome_of, prune, save_network
from prune_core.verification import verify

IMAGES = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(5))


class Brought(nn.Module):
    """A user's own network, with every layer that gives others scars; it describes nothing."""

    def __init__(self, num_classes: int, in_channels: int, activation: str) -> None:
        super().__init__()
        self.stem = nn.Conv2d(in_channels, 8, 3, stride=4, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.inner = nn.Conv2d(8, 6, 3, padding=1)
        self.outer = nn.Conv2d(6, 8, 3, padding=1)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.point = nn.Conv2d(8, 12, 1)
        self.grouped = nn.Conv2d(12, 12, 3, padding=1, groups=3)
        self.after = nn.Conv2d(12, 10, 3, stride=2, padding=1, bias=False)
        self.last = nn.BatchNorm2d(10)
        self.act = {"relu": nn.ReLU(), "sigmoid": nn.Sigmoid()}[activation]
        self.pool = nn.AdaptiveAvgPool2d(3)
        self.hidden = nn.Linear(90, 7)
        self.out = nn.Linear(7, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.act(self.norm(self.stem(images)))
        maps = maps + self.outer(self.act(self.inner(maps)))
        maps = self.act(self.point(self.act(self.depthwise(maps))))
        maps = self.act(self.last(self.after(self.act(self.grouped(maps)))))
        return self.out(self.act(self.hidden(torch.flatten(self.pool(maps), 1))))


def build_brought(*, num_classes: int, in_channels: int, activation: str = "relu") -> nn.Module:
    return Brought(num_classes, in_channels, activation)


@pytest.fixture(autouse=True, scope="module")
def registered() -> Iterator[None]:
    """File the user's network as a plugin would, while these tests run."""
    NETWORKS.register("brought")(build_brought)
    yield
    del NETWORKS._entries["brought"]


def network_of(name: str = "brought", **options: Any) -> Any:
    torch.manual_seed(2)
    network = build_network(name, num_classes=5, **options)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.2, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
            assert module.running_mean is not None
            module.running_mean.normal_(0, 0.1)
    return network


@pytest.mark.parametrize("method", ["l1_filter", "fpgm", "random_filters", "taylor"])
def test_a_users_network(method: str, tmp_path: Path) -> None:
    network = network_of()
    options = {"batches": [(IMAGES, torch.tensor([0, 1]))]} if method == "taylor" else {}
    pruned: Any = prune(network, method, "0.5", **options)
    outcome = outcome_of(pruned)
    # A filter on the residual stream, one that a grouped convolution reads, and the grouped one itself stay.
    assert [(layer.name, layer.total, layer.kept) for layer in outcome.layers] == [("inner", 6, 3), ("after", 10, 5)]
    assert {"stem", "outer", "point", "grouped"} <= set(outcome.left_alone)
    assert pruned.hidden.in_features == 45
    found = verify(network, pruned, IMAGES)
    assert found.passed, found.reason
    save_network(pruned, tmp_path / "a.safetensors")
    assert torch.equal(load_network(tmp_path / "a.safetensors").eval()(IMAGES), pruned.eval()(IMAGES))


def test_scores_are_ours() -> None:
    network = network_of()
    kept = outcome_of(prune(network, "l1_filter", "0.5")).kept
    for name in ("inner", "after"):
        norms = network.get_submodule(name).weight.detach().abs().sum((1, 2, 3))
        assert kept[name] == norms.argsort()[len(norms) // 2 :].sort().values.tolist()


def test_two_rounds() -> None:
    network = network_of()
    first = prune(network, "l1_filter", "0.3")
    second = prune(first, "l1_filter", "0.5")
    assert [layer.kept for layer in outcome_of(second).layers] == [3, 5]
    found = verify(first, second, IMAGES)
    assert found.passed, found.reason


def test_resnet18_loses_the_first_convolution_of_each_block() -> None:
    network = network_of("torchvision:resnet18", stem="small")
    pruned = prune(network, "l1_filter", "0.5")
    widths = {name: len(kept) for name, kept in outcome_of(pruned).kept.items()}
    expected = {f"layer{s}.{b}.conv1": 64 * 2 ** (s - 1) // 2 for s in (1, 2, 3, 4) for b in (0, 1)}
    assert widths == expected
    found = verify(network, pruned, IMAGES)
    assert found.passed, found.reason


def test_mobilenet_v2_narrows_its_depthwise_convolutions() -> None:
    network = network_of("torchvision:mobilenet_v2", stem="small")
    pruned = prune(network, "l1_filter", "0.5", layers=[4, 7])
    assert [(layer.name, layer.total, layer.kept) for layer in outcome_of(pruned).layers] == [
        ("features.2.conv.0.0", 96, 48),
        ("features.3.conv.0.0", 144, 72),
    ]
    depthwise: Any = pruned.get_submodule("features.2.conv.1.0")
    assert (depthwise.in_channels, depthwise.out_channels, depthwise.groups) == (48, 48, 48)
    found = verify(network, pruned, IMAGES)
    assert found.passed, found.reason


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("network_slimming", {}, "channel_groups"),
        ("random_channels", {}, "channel_groups"),
        ("l1_filter", {"layers": [1]}, "stem cannot lose filters.*inner, after"),
        ("l1_filter", {"layers": [6]}, "grouped convolution"),
    ],
)
def test_what_cannot_be_done_right_is_refused(method: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        prune(network_of(), method, "0.5", **options)
    assert "\n" not in str(caught.value)


def test_an_activation_that_is_not_zero_at_zero_is_refused() -> None:
    with pytest.raises(BadInput, match="cannot be pruned right"):
        prune(network_of(activation="sigmoid"), "l1_filter", "0.5")


def test_weights_need_no_torch_pruning() -> None:
    network = network_of()
    found = verify(network, prune(network, "unstructured", "0.5"), IMAGES)
    assert found.passed, found.reason


def test_without_torch_pruning_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_pruning", None)
    with pytest.raises(BadInput, match=r"prunefront\[bring\]"):
        prune(network_of(), "l1_filter", "0.5")
