"""Networks that users bring with habits that surgery cannot follow: pruned where that is right, the rest is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

pytest.importorskip("torch_pruning")

from prune_core.base.errors import BadInput
from prune_core.networks import NETWORKS, build_network
from prune_core.pruning import load_network, outcome_of, prune, save_network
from prune_core.verification import verify

IMAGES = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(5))
WRAPS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "none": lambda layer: layer,
    "weight_norm": parametrizations.weight_norm,
    "spectral_norm": parametrizations.spectral_norm,
    "orthogonal": parametrizations.orthogonal,
    "old_weight_norm": nn.utils.weight_norm,
    "old_spectral_norm": nn.utils.spectral_norm,
    "pruned": lambda layer: nn.utils.prune.random_unstructured(layer, "weight", 0.3),
}
OLD = pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")


class LeNet(nn.Module):
    """The tutorial's: what is flattened is written in. ``spare`` is never used; one layer may be wrapped."""

    def __init__(self, num_classes: int, in_channels: int, wrap: str, where: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 6, 5)
        self.mid = nn.Conv2d(6, 8, 1)
        self.conv2 = nn.Conv2d(8, 16, 5)
        self.spare = nn.Conv2d(4, 4, 3)
        self.fc1 = nn.Linear(16 * 5 * 5, 20)
        self.fc2 = nn.Linear(20, num_classes)
        if where != "":
            WRAPS[wrap](self.get_submodule(where))

    def forward(self, images: Tensor) -> Tensor:
        maps = F.max_pool2d(F.relu(self.mid(F.relu(self.conv1(images)))), 2)
        maps = F.max_pool2d(F.relu(self.conv2(maps)), 2)
        return self.fc2(F.relu(self.fc1(maps.view(-1, 16 * 5 * 5))))


def build_lenet(*, num_classes: int, in_channels: int, wrap: str = "none", where: str = "") -> nn.Module:
    return LeNet(num_classes, in_channels, wrap, where)


def build_pair(*, num_classes: int, in_channels: int) -> nn.Module:
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.head = nn.Conv2d(in_channels, 4, 3), nn.Linear(4, num_classes)

        def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
            maps = self.conv(images)
            return self.head(maps.mean((2, 3))), maps

    return Pair()


@pytest.fixture(autouse=True, scope="module")
def _registered() -> Iterator[None]:
    NETWORKS.register("lenet_of_a_tutorial")(build_lenet)
    NETWORKS.register("pair")(build_pair)
    yield
    for name in ("lenet_of_a_tutorial", "pair"):
        del NETWORKS._entries[name]


def lenet(**options: Any) -> nn.Module:
    torch.manual_seed(0)
    return build_network("lenet_of_a_tutorial", **options)


def prove(dense: nn.Module, pruned: nn.Module, folder: Path) -> None:
    found = verify(dense, pruned, IMAGES)
    assert found.passed, found.reason
    save_network(pruned, folder / "a.safetensors")
    assert torch.equal(load_network(folder / "a.safetensors").eval()(IMAGES), pruned.eval()(IMAGES))


def test_what_a_flatten_counts_on_and_what_is_not_used_stays(tmp_path: Path) -> None:
    dense = lenet()
    pruned: Any = prune(dense, "l1_filter", "0.5")
    outcome = outcome_of(pruned)
    assert [(layer.name, layer.kept) for layer in outcome.layers] == [("conv1", 3), ("mid", 4)]
    assert "cannot be pruned right" in outcome.left_alone["conv2"]
    assert outcome.left_alone["spare"] == "the network does not use it"
    assert (pruned.conv1.out_channels, pruned.mid.in_channels, pruned.conv2.in_channels) == (3, 3, 4)
    prove(dense, pruned, tmp_path)


@OLD
@pytest.mark.parametrize("wrap", [name for name in WRAPS if name != "none"])
def test_filters_beside_a_computed_weight(wrap: str, tmp_path: Path) -> None:
    dense = lenet(wrap=wrap, where="mid")
    dense(IMAGES)  # the hooks of the old style now hold a tensor with a gradient function
    with pytest.raises(BadInput, match="no prunable layer.*computed from other parameters") as caught:
        prune(dense, "l1_filter", "0.5")  # conv1 is read by it
    assert "\n" not in str(caught.value)
    dense = lenet(wrap=wrap, where="fc1")
    dense(IMAGES)
    pruned = prune(dense, "l1_filter", "0.5")
    assert [(layer.name, layer.kept) for layer in outcome_of(pruned).layers] == [("conv1", 3), ("mid", 4)]
    prove(dense, pruned, tmp_path)


@OLD
@pytest.mark.parametrize("wrap", [name for name in WRAPS if name != "none"])
def test_single_weights_beside_a_computed_weight(wrap: str, tmp_path: Path) -> None:
    dense = lenet(wrap=wrap, where="conv2")
    dense(IMAGES)
    pruned = prune(dense, "unstructured", "0.5")
    outcome = outcome_of(pruned)
    assert {layer.name for layer in outcome.layers} == {"conv1.weight", "mid.weight", "spare.weight"}
    assert "computed from other parameters" in outcome.left_alone["conv2"]
    prove(dense, pruned, tmp_path)


def test_a_chosen_layer_with_a_computed_weight_is_refused() -> None:
    dense = lenet(wrap="weight_norm", where="mid")
    with pytest.raises(BadInput, match="layer mid cannot lose weights: .*WeightNorm"):
        prune(dense, "unstructured", "0.5", layers=[2])
    with pytest.raises(BadInput, match=r"layer mid cannot lose filters|no prunable layer"):
        prune(dense, "l1_filter", "0.5", layers=[2])


def test_a_network_that_returns_more_than_logits_is_refused_in_one_line() -> None:
    with pytest.raises(BadInput, match="the network returns a tuple, not logits") as caught:
        prune(build_network("pair"), "l1_filter", "0.5")
    assert "\n" not in str(caught.value)


@OLD
def test_our_own_networks_with_a_computed_weight_leave_it_alone(tmp_path: Path) -> None:
    dense = build_network("small_vgg", width=8)
    first = next(name for name, module in dense.named_modules() if isinstance(module, nn.Conv2d))
    parametrizations.weight_norm(dense.get_submodule(first))
    pruned = prune(dense, "l1_filter", "0.5")
    assert "computed from other parameters" in outcome_of(pruned).left_alone[first]
    assert first not in {layer.name for layer in outcome_of(pruned).layers}
