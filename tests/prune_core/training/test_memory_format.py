"""Networks that flatten by ``view`` train and judge as ordinary ones do; ours stay channels last."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prune_core.base.memory_format import CHANNELS_LAST, ORDINARY, training_format
from prune_core.evaluation.forward import forward_logits
from prune_core.networks import build_network
from prune_core.training import DeviceData, Recipe, train


class Viewing(nn.Module):
    """Flattens in the middle by ``view``, and keeps a shuffle of channels as other tutorials do."""

    def __init__(self, channels: int, *, only_training: bool = False) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(channels, 4, 3), nn.BatchNorm2d(4)
        self.point = nn.Conv2d(4, 6, 1)
        self.dropout, self.head = nn.Dropout(0.2), nn.Linear(6 * 36, 3)
        self.only_training = only_training

    def forward(self, images: Tensor) -> Tensor:
        maps = self.point(F.relu(self.norm(self.conv(images))))
        flatten = self.training or not self.only_training
        return self.head(self.dropout(maps.view(len(maps), -1) if flatten else maps.flatten(1)))


class Spatial(nn.Module):
    """Three-dimensional convolutions inside: their weights have five dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv3d(1, 2, 3, padding=1), nn.Linear(2, 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.conv(images[:, None]).mean((2, 3, 4)))


def pictures(channels: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (12, 8, 8, channels), dtype=np.uint8)


def by_hand(network: nn.Module, images: np.ndarray) -> Tensor:
    pixels = (
        torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        .float()
        .clone(memory_format=torch.contiguous_format)
    )
    with torch.no_grad():
        return network.eval()((pixels / 255 - 0.5) / 0.25)


def trained(network: nn.Module, channels: int) -> nn.Module:
    data = DeviceData.of(
        pictures(channels), np.arange(12) % 3, mean=[0.5] * channels, std=[0.25] * channels, augmentation="shift"
    )
    recipe = Recipe.from_dict({**Recipe().to_dict(), "epochs": 1, "batch_size": 4})
    train(network, data, recipe, epochs_from=0, epochs_to=1, stream=("x",))
    return network


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("only_training", [False, True])
def test_a_network_that_views_is_trained_and_judged(channels: int, only_training: bool) -> None:
    torch.manual_seed(0)
    network = Viewing(channels, only_training=only_training)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    trained(network, channels)
    assert not torch.equal(network.head.weight, before["head.weight"])
    assert network.norm.num_batches_tracked is not None
    assert int(network.norm.num_batches_tracked) == 3  # the try-out was on a copy
    logits = forward_logits(network, pictures(channels), [0.5] * channels, [0.25] * channels, batch_size=5)
    np.testing.assert_allclose(logits, by_hand(network, pictures(channels)), rtol=1e-4, atol=1e-5)


def test_judging_puts_the_weights_back() -> None:
    network = Viewing(3)
    places = [(each.data_ptr(), each.stride()) for each in network.parameters()]
    forward_logits(network, pictures(3), [0.5] * 3, [0.25] * 3, batch_size=5)
    assert [(each.data_ptr(), each.stride()) for each in network.parameters()] == places


def test_weights_of_five_dimensions_train() -> None:
    network = trained(Spatial(), 3)
    logits = forward_logits(network, pictures(3), [0.5] * 3, [0.25] * 3)
    np.testing.assert_allclose(logits, by_hand(network, pictures(3)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "options"), [("resnet8", {"width": 4}), ("small_vgg", {}), ("small_preresnet", {})])
def test_our_networks_stay_channels_last(name: str, options: dict[str, Any]) -> None:
    network = build_network(name, **options)
    state = torch.get_rng_state()
    assert training_format(network, torch.zeros(1, 3, 8, 8)) is CHANNELS_LAST
    assert torch.equal(torch.get_rng_state(), state)
    assert training_format(Viewing(3), torch.zeros(1, 3, 8, 8)) is ORDINARY


def test_an_error_of_the_network_itself_is_what_is_seen() -> None:
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        forward_logits(Viewing(3, only_training=True), pictures(3)[:, :6], [0.5] * 3, [0.25] * 3)


def test_other_answers_than_logits_are_named() -> None:
    class Pair(Viewing):
        def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
            return super().forward(images), images

    with pytest.raises(TypeError, match="returns a tuple, not logits"):
        forward_logits(Pair(3), pictures(3), [0.5] * 3, [0.25] * 3)
    with pytest.raises(TypeError, match="returns a tuple, not logits"):
        trained(Pair(3), 3)
