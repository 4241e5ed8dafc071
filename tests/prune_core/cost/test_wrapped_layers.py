"""Costs of layers that are not simply there: parametrized, with modules inside, written as functions, in attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm
from torch.utils.flop_counter import FlopCounterMode

from prune_core.cost.complexity import complexity
from prune_core.networks import build_network

SHAPE = (3, 8, 8)
DENSE = 8 * 3 * 9 * 64 + 8 * 64 * 10
"""Multiply-accumulates of `head_of`, by hand."""


def head_of(convolution: nn.Module, linear: nn.Module) -> nn.Module:
    return nn.Sequential(convolution, nn.ReLU(), nn.Flatten(), linear)


class Adapted(nn.Conv2d):
    """A convolution with a low-rank adapter inside, as adapter libraries write it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1)
        self.down = nn.Conv2d(inputs, 2, 1, bias=False)
        self.up = nn.Conv2d(2, outputs, 1, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images) + self.up(self.down(images))


class LowRank(nn.Module):
    """A parametrization: the weight and an update that is multiplied out."""

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        self.a, self.b = nn.Parameter(torch.ones(rows, 2)), nn.Parameter(torch.ones(2, columns))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.a @ self.b


class Functional(nn.Module):
    """The same network as `head_of` without a single layer."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel, self.matrix = nn.Parameter(torch.ones(8, 3, 3, 3)), nn.Parameter(torch.ones(512, 10))

    def forward(self, images: Tensor) -> Tensor:
        maps = F.conv2d(images, self.kernel, padding=1)
        return torch.einsum("ni,ij->nj", maps.flatten(1), self.matrix)


@pytest.mark.parametrize("wrap", [weight_norm, spectral_norm, nn.utils.weight_norm, nn.utils.spectral_norm])
@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
def test_a_computed_weight_costs_what_a_plain_one_does(wrap: Callable[[nn.Module], nn.Module]) -> None:
    plain = head_of(nn.Conv2d(3, 8, 3, padding=1), nn.Linear(512, 10))
    wrapped = head_of(wrap(nn.Conv2d(3, 8, 3, padding=1)), wrap(nn.Linear(512, 10)))
    one, two = complexity(plain, SHAPE), complexity(wrapped, SHAPE)
    assert one.macs == two.macs == DENSE
    assert one.peak_activation_bytes == two.peak_activation_bytes == 4 * 2 * 512


@pytest.mark.parametrize(("wrap", "name"), [(weight_norm, "original1"), (spectral_norm, "original")])
def test_zeros_are_those_of_the_computed_weight(wrap: Callable[[nn.Module], nn.Module], name: str) -> None:
    network: Any = head_of(wrap(nn.Conv2d(3, 8, 3, padding=1)), nn.Linear(512, 10))
    getattr(network[0].parametrizations.weight, name).data[:2, 0] = 0
    found = complexity(network, SHAPE)
    assert found.nonzero_parameters == found.parameters - 2 * 9
    assert found.nonzero_macs == DENSE - 2 * 9 * 64


def test_a_low_rank_update_fills_the_zeros_and_its_own_product_is_apart() -> None:
    linear = nn.Linear(512, 10)
    linear.weight.data[0] = 0
    nn.utils.parametrize.register_parametrization(linear, "weight", LowRank(10, 512))
    found = complexity(head_of(nn.Conv2d(3, 8, 3, padding=1), linear), SHAPE)
    assert (found.macs, found.nonzero_macs, found.weight_macs) == (DENSE, DENSE, 10 * 2 * 512)
    assert found.nonzero_parameters == found.parameters


def test_an_adapter_inside_a_convolution_costs_beside_it() -> None:
    found = complexity(head_of(Adapted(3, 8), nn.Linear(512, 10)), SHAPE)
    assert found.macs == DENSE + 3 * 2 * 64 + 2 * 8 * 64


def test_functions_cost_what_layers_do() -> None:
    network = Functional()
    network.kernel.data[0], network.matrix.data[:, 3] = 0, 0
    found = complexity(network, SHAPE)
    assert (found.macs, found.nonzero_macs) == (DENSE, DENSE - 27 * 64 - 512)
    assert found.nonzero_parameters == found.parameters - 27 - 512


def test_one_weight_under_two_names_is_one() -> None:
    network: Any = nn.Sequential(nn.Conv2d(3, 3, 1, bias=False), nn.Conv2d(3, 3, 1, bias=False))
    network[1].weight = network[0].weight
    network[0].weight.data[0] = 0
    found = complexity(network, SHAPE)
    assert (found.parameters, found.nonzero_parameters) == (9, 6)
    assert (found.macs, found.nonzero_macs) == (2 * 9 * 64, 2 * 6 * 64)


def test_a_layer_that_is_not_used_counts_as_a_parameter_with_its_zeros() -> None:
    class Unused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.spare = nn.Linear(192, 10), weight_norm(nn.Linear(4, 3, bias=False))
            self.spare.parametrizations.weight.original1.data[0, :2] = 0

        def forward(self, images: Tensor) -> Tensor:
            return self.used(images.flatten(1))

    found = complexity(Unused(), SHAPE)
    assert found.macs == 1920
    assert found.nonzero_parameters == found.parameters - 2


@pytest.mark.parametrize("weights", [True, False])
def test_attention_is_apart_from_its_projections(weights: bool) -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.out = nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 10)

        def forward(self, images: Tensor) -> Tensor:
            tokens = images.flatten(1).view(-1, 24, 8)
            return self.out(self.layer(tokens, tokens, tokens, need_weights=weights)[0].mean(1))

    network = Attention()
    found = complexity(network, SHAPE)
    assert found.macs == 4 * 24 * 8 * 8 + 80  # query, key, value, output
    assert found.attention_macs == 2 * 24 * 24 * 8


def test_everything_together_is_what_torch_counts() -> None:
    network = build_network("torchvision:swin_t", num_classes=3)
    found = complexity(network, (3, 32, 32))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(torch.zeros(1, 3, 32, 32))
    assert found.attention_macs > 0
    assert 2 * (found.macs + found.attention_macs) == counter.get_total_flops()


def test_a_transposed_convolution() -> None:
    network: Any = nn.Sequential(nn.ConvTranspose2d(3, 4, 2, stride=2, bias=False))
    network[0].weight.data[0, 0] = 0
    found = complexity(network, SHAPE)
    assert (found.macs, found.nonzero_macs) == (3 * 4 * 4 * 64, (3 * 4 - 1) * 4 * 64)
    assert found.nonzero_parameters == 48 - 4
