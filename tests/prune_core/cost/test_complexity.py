"""Costs against numbers worked out by hand and the file that safetensors writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from prune_core.cost.complexity import Complexity, complexity
from prune_core.networks import build_network
from prune_core.pruning import prune, save_network


def tiny() -> nn.Module:
    """2 images channels in, 8x8: conv 3x3 to 4, strided grouped conv to 6, flatten, linear to 3."""
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 6, 2, stride=2, groups=2, bias=False),
        nn.Flatten(),
        nn.Linear(6 * 16, 3),
    )


def test_by_hand() -> None:
    network = tiny()
    measured = complexity(network, (2, 8, 8))
    assert measured.parameters == (72 + 4) + 8 + 48 + (288 + 3)
    assert measured.macs == 72 * 64 + 48 * 16 + 288
    assert measured.nonzero_parameters == measured.parameters
    assert measured.nonzero_macs == measured.macs
    # The batch norm and the ReLU: 4 channels of 8x8 in, the same out, 4 bytes each.
    assert measured.peak_activation_bytes == 4 * (256 + 256)


def test_zeros_in_weights_count_and_zeros_elsewhere_do_not() -> None:
    network: Any = tiny()
    dense = complexity(network, (2, 8, 8))
    network[0].weight.data[0] = 0
    network[3].weight.data.view(-1)[:5] = 0
    network[5].weight.data[0, :7] = 0
    network[0].bias.data.zero_()
    network[1].weight.data.zero_()
    sparse = complexity(network, (2, 8, 8))
    assert sparse.parameters == dense.parameters
    assert sparse.macs == dense.macs
    assert sparse.nonzero_parameters == dense.parameters - 18 - 5 - 7
    assert sparse.nonzero_macs == dense.macs - 18 * 64 - 5 * 16 - 7


def test_a_module_that_is_called_twice_costs_twice_and_is_stored_once() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(2, 2, 3, padding=1, bias=False)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.conv(self.conv(images))

    network = Twice()
    measured = complexity(network, (2, 8, 8))
    assert measured.parameters == 36
    assert measured.macs == 2 * 36 * 64
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 2, 8, 8))
    assert 2 * measured.macs == counter.get_total_flops()


def test_macs_follow_the_image_size() -> None:
    network = build_network("small_vgg", width=4, in_channels=1)
    by_hand = 9 * 4 * 28 * 28 + 9 * 4 * 8 * 14 * 14 + 9 * 8 * 16 * 7 * 7 + 160
    assert complexity(network, (1, 28, 28)).macs == by_hand
    assert complexity(network, input_shape=(1, 56, 56)).macs == 4 * (by_hand - 160) + 160


@pytest.mark.parametrize("name", ["small_vgg", "resnet8", "small_preresnet"])
def test_size_is_that_of_the_file(name: str, tmp_path: Path) -> None:
    network = build_network(name, width=3)
    save_network(network, tmp_path / "w.safetensors")
    assert complexity(network).size_bytes == (tmp_path / "w.safetensors").stat().st_size


@pytest.mark.parametrize("method", ["unstructured", "l1_filter", "network_slimming"])
def test_size_of_a_pruned_network_is_that_of_its_file(method: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = prune(build_network("small_preresnet", width=4), method, 0.5)
    save_network(network, tmp_path / "w.safetensors")
    assert complexity(network).size_bytes == (tmp_path / "w.safetensors").stat().st_size


def test_size_without_an_architecture() -> None:
    network = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2)).double()
    assert complexity(network).size_bytes == len(safetensors.torch.save(network.state_dict()))


def test_the_network_is_left_as_it_was() -> None:
    network: Any = build_network("resnet8", width=4).train()
    network.layer1.eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    complexity(network)
    assert network.training
    assert not network.layer1[0].training
    assert network.layer2[0].bn1.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


def test_hooks_go_when_the_forward_pass_fails() -> None:
    network = build_network("resnet8", width=4)
    with pytest.raises(RuntimeError):
        complexity(network, (5, 32, 32))
    assert network.training
    assert not any(module._forward_hooks for module in network.modules())


def test_meta_networks_count_as_dense() -> None:
    with torch.device("meta"):
        abstract = build_network("resnet8", width=4)
    assert complexity(abstract) == complexity(build_network("resnet8", width=4))


def test_complexity_is_plain_and_frozen() -> None:
    measured = Complexity(1, 1, 1, 1, 1, 1)
    with pytest.raises(AttributeError):
        measured.macs = 2  # type: ignore[misc]
