"""Networks that are built to be looked at: as they are, but for the values of their weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from prune_core.base.errors import BadInput, UnknownName
from prune_core.base.registry import Registry
from prune_core.networks import NETWORKS, build_network, convolutions, network_outline


@pytest.mark.parametrize(
    "name", ["vgg11", "small_vgg", "resnet20", "small_resnet", "small_preresnet", "torchvision:resnet18"]
)
def test_an_outline_has_the_options_and_the_shapes_of_the_network(name: str) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    outline = network_outline(name, {})
    assert torch.equal(torch.get_rng_state(), before)
    built = build_network(name)
    assert {key: value.shape for key, value in outline.state_dict().items()} == {
        key: value.shape for key, value in built.state_dict().items()
    }
    assert outline.architecture == built.architecture
    assert [key for key, _ in convolutions(outline)] == [key for key, _ in convolutions(built)]


def test_an_outline_refuses_what_building_refuses() -> None:
    with pytest.raises(UnknownName):
        network_outline("vgg12", {})
    with pytest.raises(BadInput, match="width"):
        network_outline("small_vgg", {"width": 0})


def test_drawing_weights_is_left_out_only_while_an_outline_is_built() -> None:
    network_outline("small_vgg", {"width": 3})
    assert not torch.equal(nn.Linear(4, 4).weight, nn.Linear(4, 4).weight)


def test_a_network_of_the_users_own_is_built_as_always(monkeypatch: pytest.MonkeyPatch) -> None:
    def looks_at_weights(*, num_classes: int, in_channels: int) -> nn.Module:
        linear = nn.Linear(in_channels, num_classes)
        nn.init.uniform_(linear.weight, 1.0, 2.0)
        assert float(linear.weight.detach().min()) >= 1.0 and float(linear.weight.detach().max()) <= 2.0
        return linear

    NETWORKS.register("looks_at_weights", __name__)(looks_at_weights)
    try:
        assert isinstance(network_outline("looks_at_weights", {}), nn.Linear)
    finally:
        del NETWORKS._entries["looks_at_weights"]


def test_a_registry_imports_what_ships_when_it_is_asked_first() -> None:
    names: Registry[object] = Registry("thing", files="prune_core.pruning.methods")
    assert names._files is not None
    assert "nothing" not in names
    assert names._files is None
