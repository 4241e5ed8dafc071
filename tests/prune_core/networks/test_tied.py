"""Tied weights stay one parameter through files, copies, pruning and training, and are counted and stored once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from prune_core.base.copies import copied
from prune_core.base.errors import BadInput
from prune_core.cost.complexity import complexity
from prune_core.networks import NETWORKS, build_network, load_weights
from prune_core.pruning import load_network, outcome_of, prune, save_network
from prune_core.training import DeviceData, Recipe, train
from prune_core.verification import verify

IMAGES = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(5))
PARAMETERS = 3 * 8 * 9 + 8 * 8 * 9 + 8 * 10 + 10
"""Of the tied network, the shared convolution once."""


class Tied(nn.Module):
    """Two convolutions that share their weight, and one module under two names."""

    def __init__(self, num_classes: int, in_channels: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(in_channels, 8, 3, padding=1, bias=False)
        self.one = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.two = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.two.weight = self.one.weight
        self.head = nn.Linear(8, num_classes)
        self.again = self.head

    def forward(self, images: Tensor) -> Tensor:
        maps = torch.relu(self.two(torch.relu(self.one(torch.relu(self.stem(images))))))
        return self.again(maps.mean((2, 3)))


class Overlapping(Tied):
    """Two parameters in the same memory."""

    def __init__(self, num_classes: int, in_channels: int) -> None:
        super().__init__(num_classes, in_channels)
        self.two.weight = nn.Parameter(self.one.weight.detach().transpose(0, 1))


def build_tied(*, num_classes: int, in_channels: int) -> nn.Module:
    return Tied(num_classes, in_channels)


def build_overlapping(*, num_classes: int, in_channels: int) -> nn.Module:
    return Overlapping(num_classes, in_channels)


def build_lazy(*, num_classes: int, in_channels: int) -> nn.Module:
    return nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(num_classes))


@pytest.fixture(autouse=True, scope="module")
def _registered() -> Iterator[None]:
    builders = {"tied": build_tied, "overlapping": build_overlapping, "lazy": build_lazy}
    for name, builder in builders.items():
        NETWORKS.register(name)(builder)
    yield
    for name in builders:
        del NETWORKS._entries[name]


@pytest.fixture(name="dense")
def _dense() -> nn.Module:
    torch.manual_seed(1)
    return build_network("tied")


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_a_file_holds_it_once_and_gives_it_back_tied(dense: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_network(dense, path)
    loaded: Any = load_network(path)
    assert loaded.one.weight is loaded.two.weight
    assert loaded.head is loaded.again
    assert parameters(loaded) == parameters(dense) == PARAMETERS
    assert torch.equal(loaded.eval()(IMAGES), dense.eval()(IMAGES))
    stored = safetensors.torch.load_file(path)
    assert sum(tensor.numel() for tensor in stored.values()) == PARAMETERS
    assert complexity(loaded).size_bytes == path.stat().st_size
    assert complexity(loaded).parameters == PARAMETERS


def test_torchs_own_reader_of_such_files_reads_it(dense: nn.Module, tmp_path: Path) -> None:
    save_network(dense, tmp_path / "a.safetensors")
    fresh = Tied(10, 3)
    assert safetensors.torch.load_model(fresh, tmp_path / "a.safetensors") == (set(), [])
    assert torch.equal(fresh(IMAGES), dense(IMAGES))


@pytest.mark.parametrize("dropped", [(), ("two.weight",), ("one.weight", "head.weight", "again.bias")])
def test_checkpoints_with_any_of_its_names(dense: nn.Module, dropped: tuple[str, ...], tmp_path: Path) -> None:
    state = {name: tensor for name, tensor in dense.state_dict().items() if name not in dropped}
    torch.save(state, tmp_path / "a.pt")
    fresh: Any = build_network("tied")
    load_weights(fresh, tmp_path / "a.pt")
    assert fresh.one.weight is fresh.two.weight
    assert torch.equal(fresh(IMAGES), dense(IMAGES))


def test_two_weights_for_one_parameter_are_refused(dense: nn.Module, tmp_path: Path) -> None:
    state = {**dense.state_dict(), "two.weight": torch.zeros(8, 8, 3, 3)}
    torch.save(state, tmp_path / "a.pt")
    with pytest.raises(BadInput, match=r"one\.weight and two\.weight are one parameter") as caught:
        load_weights(build_network("tied"), tmp_path / "a.pt")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("options", [{}, {"linear": True}, {"scope": "layerwise"}])
@pytest.mark.parametrize("method", ["unstructured", "random_weights", "lamp"])
def test_weights_are_pruned_once(dense: nn.Module, method: str, options: dict[str, object], tmp_path: Path) -> None:
    pruned: Any = prune(dense, method, "0.5", **options)
    outcome = outcome_of(pruned)
    assert pruned.one.weight is pruned.two.weight
    pool = 3 * 8 * 9 + 8 * 8 * 9 + (80 if options.get("linear") else 0)
    assert (outcome.total, outcome.removed) == (pool, pool // 2)
    assert "that of one" in outcome.left_alone["two"]
    found = complexity(pruned, (3, 16, 16))
    assert found.nonzero_parameters == PARAMETERS - pool // 2
    proof = verify(dense, pruned, IMAGES)
    assert proof.passed, proof.reason
    save_network(pruned, tmp_path / "p.safetensors")
    loaded = load_network(tmp_path / "p.safetensors")
    assert outcome_of(loaded).to_dict() == outcome.to_dict()
    assert complexity(loaded, (3, 16, 16)) == found


def test_filters_of_shared_weights_stay(dense: nn.Module) -> None:
    pytest.importorskip("torch_pruning")
    with pytest.raises(BadInput, match="shared|also that of|no prunable layer"):
        prune(dense, "l1_filter", "0.5")


def test_fine_tuning_keeps_both_the_tie_and_the_zeros(dense: nn.Module) -> None:
    pruned: Any = prune(dense, "unstructured", "0.5")
    images = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8)
    data = DeviceData.of(images, np.arange(8) % 10, mean=[0.5] * 3, std=[0.25] * 3)
    recipe = Recipe.from_dict({**Recipe().to_dict(), "epochs": 1, "batch_size": 4})
    train(pruned, data, recipe, epochs_from=0, epochs_to=1, stream=("x",), masks=outcome_of(pruned).masks)
    assert pruned.one.weight is pruned.two.weight
    assert complexity(pruned).nonzero_parameters == PARAMETERS - (3 * 8 * 9 + 8 * 8 * 9) // 2


def test_copies_are_tied(dense: Any) -> None:
    twin: Any = copied(dense)
    assert twin.one.weight is twin.two.weight is not dense.one.weight


def test_parameters_in_the_same_memory_are_refused() -> None:
    with pytest.raises(BadInput, match=r"one\.weight and two\.weight are two parameters in the same memory"):
        build_network("overlapping")


def test_lazy_layers_are_refused() -> None:
    with pytest.raises(BadInput, match=r"network lazy: 0\.weight has no shape yet"):
        build_network("lazy")
