"""The one surgery: channels removed for real, from convolution, batch norm, consumers and channel selections.

It works on networks that describe their own `channel_groups()`. A group's channels leave the convolution that makes them,
the batch norm behind it and the input of every consumer. A selection group (pre-activation residual stream) keeps its batch
norm whole: only the index of its `ChannelSelection` and the consumers' inputs shrink.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn

from prune_core.errors import BadInput
from prune_core.networks import ChannelGroup


def groups_of(network: nn.Module) -> dict[str, ChannelGroup]:
    """Return the removable channel groups of a network by name, in forward order.

    Raises:
        BadInput: the network does not describe its channels.
    """
    describe = getattr(network, "channel_groups", None)
    if describe is None:
        raise BadInput(f"{type(network).__name__} has no channel_groups(): its channels cannot be removed by our surgery")
    return {group.name: group for group in describe()}


def selection_index(network: nn.Module, group: ChannelGroup) -> tuple[nn.Module, str, Tensor]:
    """Return a selection group's module, the name of its one index buffer, and the buffer."""
    module = network.get_submodule(group.selection or "")
    [(name, index)] = module.named_buffers(recurse=False)
    return module, name, index


def width_of(network: nn.Module, group: ChannelGroup) -> int:
    """Return how many channels a group has now."""
    if group.kind == "selection":
        return selection_index(network, group)[2].numel()
    return _convolution(network, group).out_channels


def remove_channels(network: nn.Module, kept: dict[str, list[int]]) -> None:
    """Remove, in place, every channel of the named groups that is not listed.

    Args:
        network: has ``channel_groups()`` and ``architecture``, which learns what is left, in the dense network's indices.
        kept: group name -> ascending indices of the channels *as the network is now*; groups not named stay whole.

    Raises:
        BadInput: a group that does not exist, or indices that are empty, repeated, out of order or out of range.
    """
    groups = groups_of(network)
    for name, indices in kept.items():
        if name not in groups:
            raise BadInput(f"no channel group {str(name)!r} in this network (allowed: {', '.join(groups)})")
        _check_indices(name, indices, width_of(network, groups[name]))
    left = dict(network.architecture.kept)  # type: ignore[union-attr, arg-type]
    with torch.no_grad():
        for name, indices in kept.items():
            if len(indices) == width_of(network, groups[name]):
                continue
            _shrink(network, groups[name], torch.tensor(indices))
            before = left.get(name)
            left[name] = [before[i] for i in indices] if before else list(indices)
    network.architecture = dataclasses.replace(network.architecture, kept=left)  # type: ignore[type-var]


def _check_indices(name: str, indices: list[int], width: int) -> None:
    plain = isinstance(indices, list) and all(type(i) is int for i in indices)
    if not plain or not indices or indices != sorted(set(indices)) or indices[0] < 0 or indices[-1] >= width:
        raise BadInput(f"kept channels of {name!r} must be ascending integers in [0, {width}), at least one")


def _convolution(network: nn.Module, group: ChannelGroup) -> nn.Conv2d:
    module = network.get_submodule(group.convolution or "")
    if not isinstance(module, nn.Conv2d) or module.groups != 1:
        raise BadInput(f"group {group.name!r} names no ordinary convolution")
    return module


def _shrink(network: nn.Module, group: ChannelGroup, index: Tensor) -> None:
    if group.kind == "selection":
        module, buffer, values = selection_index(network, group)
        setattr(module, buffer, values.index_select(0, index.to(values.device)))
    else:
        convolution = _convolution(network, group)
        _slice_parameters(convolution, ("weight", "bias"), index, 0)
        convolution.out_channels = index.numel()
        if group.norm is not None:
            slice_norm(network.get_submodule(group.norm), index)
    for consumer in group.consumers:
        slice_inputs(network.get_submodule(consumer.name), index, consumer.positions)


def slice_norm(norm: nn.Module, index: Tensor) -> None:
    """Keep the indexed channels of a batch norm: scale, shift, running mean and variance."""
    _slice_parameters(norm, ("weight", "bias"), index, 0)
    for name in ("running_mean", "running_var"):
        values = getattr(norm, name)
        if values is not None:
            setattr(norm, name, values.index_select(0, index.to(values.device)))
    norm.num_features = index.numel()  # type: ignore[assignment]


def slice_inputs(consumer: nn.Module, index: Tensor, positions: int = 1) -> None:
    """Keep the indexed input channels of a convolution or linear layer.

    ``positions`` is the number of spatial positions per channel where a flatten lies between: column c * positions + p of
    the linear layer belongs to channel c.
    """
    columns = (index[:, None] * positions + torch.arange(positions)).flatten()
    _slice_parameters(consumer, ("weight",), columns, 1)
    setattr(consumer, "in_features" if isinstance(consumer, nn.Linear) else "in_channels", columns.numel())


def _slice_parameters(module: nn.Module, names: tuple[str, ...], index: Tensor, dimension: int) -> None:
    for name in names:
        old = getattr(module, name)
        if old is not None:
            values = old.detach().index_select(dimension, index.to(old.device))
            setattr(module, name, nn.Parameter(values, requires_grad=old.requires_grad))
