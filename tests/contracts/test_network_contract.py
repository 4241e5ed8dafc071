"""What every registered network promises, narrow so that it is fast."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from prune_core.cost.complexity import complexity
from prune_core.networks import NETWORKS, Architecture, ChannelGroup, build_network, convolutions

SHAPES = [(1, 28, 28), (3, 32, 32)]

every_network = pytest.mark.parametrize("name", NETWORKS.names())


def narrow(name: str, **options: Any) -> Any:
    """Return a narrow network in evaluation mode with batch-norm statistics and scales that tell channels apart."""
    torch.manual_seed(0)
    network = build_network(name, num_classes=5, width=4, **options)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval().double()


@every_network
@pytest.mark.parametrize("shape", SHAPES, ids=["gray-28", "colour-32"])
def test_maps_images_to_logits_and_has_gradients_everywhere(name: str, shape: tuple[int, int, int]) -> None:
    network = narrow(name, in_channels=shape[0]).float()
    logits = network(torch.rand(2, *shape))
    assert logits.shape == (2, 5)
    logits.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in network.parameters())


@every_network
def test_architecture_rebuilds_the_network(name: str) -> None:
    network = narrow(name, in_channels=1)
    plain = json.loads(json.dumps(network.architecture.to_dict()))
    architecture = Architecture.from_dict(plain)
    assert architecture == network.architecture
    assert architecture.kept == {}
    assert {"num_classes": 5, "in_channels": 1, "width": 4}.items() <= architecture.options.items()
    again = build_network(architecture.name, **architecture.options).double().eval()
    again.load_state_dict(network.state_dict())
    images = torch.rand(2, 1, 28, 28, dtype=torch.float64)
    assert torch.equal(again(images), network(images))


@every_network
def test_same_seed_same_weights_and_another_seed_others(name: str) -> None:
    def weights(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return nn.utils.parameters_to_vector(build_network(name, width=4).parameters())

    assert torch.equal(weights(3), weights(3))
    assert not torch.equal(weights(3), weights(4))


@every_network
def test_macs_agree_with_an_independent_counter(name: str) -> None:
    network = narrow(name)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 3, 32, 32, dtype=torch.float64))
    measured = complexity(network)
    assert 2 * measured.macs == counter.get_total_flops()
    assert measured.nonzero_macs == measured.macs


@every_network
def test_convolutions_run_in_the_order_in_which_they_are_numbered(name: str) -> None:
    network = narrow(name)
    called: list[str] = []
    for label, module in convolutions(network):
        module.register_forward_hook(lambda *_, label=label: called.append(label))
    network(torch.zeros(1, 3, 32, 32, dtype=torch.float64))
    main = [label for label in called if "shortcut" not in label]
    beside = [label for label in called if "shortcut" in label]
    assert [label for label, _ in convolutions(network)] == main + beside


@every_network
def test_channel_groups_are_in_forward_order_and_name_modules(name: str) -> None:
    network = narrow(name)
    groups = network.channel_groups()
    assert groups
    order = {label: position for position, (label, _) in enumerate(network.named_modules())}
    assert [order[group.name] for group in groups] == sorted({order[group.name] for group in groups})
    for group in groups:
        assert group.name == (group.convolution if group.kind == "filters" else group.norm)
        assert (group.kind == "selection") == (group.selection is not None)


def _permute_group(network: Any, group: ChannelGroup, generator: torch.Generator) -> None:
    convolution, norm = network.get_submodule(group.convolution), network.get_submodule(group.norm)
    order = torch.randperm(convolution.out_channels, generator=generator)
    for tensor in (convolution.weight, convolution.bias, norm.weight, norm.bias, norm.running_mean, norm.running_var):
        if tensor is not None:
            tensor.data = tensor.data[order]
    for consumer in group.consumers:
        weight = network.get_submodule(consumer.name).weight
        grouped = weight.data.unflatten(1, (convolution.out_channels, consumer.positions))
        weight.data = grouped[:, order].flatten(1, 2)


@every_network
def test_filters_can_be_reordered_with_their_norm_and_consumers(name: str) -> None:
    """A group that forgot a reader, or touched the residual stream, would change the output."""
    network = narrow(name)
    images = torch.rand(2, 3, 32, 32, dtype=torch.float64)
    expected = network(images)
    generator = torch.Generator().manual_seed(1)
    shuffled = copy.deepcopy(network)
    for group in shuffled.channel_groups():
        if group.kind == "filters":
            _permute_group(shuffled, group, generator)
    assert not torch.equal(
        nn.utils.parameters_to_vector(shuffled.parameters()), nn.utils.parameters_to_vector(network.parameters())
    )
    torch.testing.assert_close(shuffled(images), expected, rtol=1e-9, atol=1e-9)


@every_network
def test_selecting_channels_equals_zeroing_them_after_the_norm(name: str) -> None:
    network = narrow(name)
    groups = [group for group in network.channel_groups() if group.kind == "selection"]
    if not groups:
        pytest.skip("no pre-activation stream")
    masked, selected = copy.deepcopy(network), copy.deepcopy(network)
    generator = torch.Generator().manual_seed(2)
    for group in groups:
        width = network.get_submodule(group.norm).num_features
        kept = torch.randperm(width, generator=generator)[: width // 2].sort().values
        dropped = torch.ones(width, dtype=torch.bool)
        dropped[kept] = False
        norm = masked.get_submodule(group.norm)
        norm.weight.data[dropped] = 0
        norm.bias.data[dropped] = 0
        selected.get_submodule(group.selection).index = kept
        for consumer in group.consumers:
            weight = selected.get_submodule(consumer.name).weight
            weight.data = weight.data[:, kept]
    images = torch.rand(2, 3, 32, 32, dtype=torch.float64)
    torch.testing.assert_close(selected(images), masked(images), rtol=1e-9, atol=1e-9)
    assert (selected(images) - network(images)).abs().max() > 1e-6
