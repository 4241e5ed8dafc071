"""The one surgery: channels removed for real, from convolution, batch norm, consumers and channel selections.

It works on networks that describe their own `channel_groups()`. A group's channels leave the convolution that makes them,
the batch norm behind it and the input of every consumer. A selection group (pre-activation residual stream) keeps its batch
norm whole: only the index of its `ChannelSelection` and the consumers' inputs shrink. Networks that users bring have no
groups: `prune_core.pruning.user_networks` finds out what goes together, and their ``kept`` is by module, see `slices`.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn

from prune_core.base.errors import BadInput
from prune_core.networks import ChannelGroup, architecture_of
from prune_core.pruning.slices import keep_slice, slice_inputs, slice_norm, slice_outputs, slice_width


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


def channel_count(network: nn.Module, key: str) -> int:
    """Return how many channels a key of ``kept`` (a group's name, or a module's in a network without groups) stands for now.

    Raises:
        BadInput: the network has nothing of that name that could lose channels.
    """
    if not hasattr(network, "channel_groups"):
        return slice_width(network, key)
    groups = groups_of(network)
    if key not in groups:
        raise BadInput(f"no channel group {str(key)!r} in this network (allowed: {', '.join(groups)})")
    return width_of(network, groups[key])


def remove_channels(network: nn.Module, kept: dict[str, list[int]]) -> None:
    """Remove, in place, every channel of the named groups that is not listed.

    Args:
        network: has ``architecture``, which learns what is left, in the dense network's indices.
        kept: group name -> ascending indices of the channels *as the network is now*; groups not named stay whole. In a
            network without ``channel_groups()`` the keys are those of `prune_core.pruning.slices`.

    Raises:
        BadInput: a group that does not exist, or indices that are empty, repeated, out of order or out of range.
    """
    widths = {key: channel_count(network, key) for key in kept}
    for key, indices in kept.items():
        _check_indices(key, indices, widths[key])
    architecture = architecture_of(network)
    groups = groups_of(network) if hasattr(network, "channel_groups") else {}
    left = dict(architecture.kept)
    with torch.no_grad():
        for key, indices in kept.items():
            if len(indices) == widths[key]:
                continue
            if key in groups:
                _shrink(network, groups[key], torch.tensor(indices))
            else:
                keep_slice(network, key, torch.tensor(indices))
            before = left.get(key)
            left[key] = [before[i] for i in indices] if before else list(indices)
    network.architecture = dataclasses.replace(architecture, kept=left)  # type: ignore[assignment]


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
        slice_outputs(convolution, index)
        if group.norm is not None:
            slice_norm(network.get_submodule(group.norm), index)
    for consumer in group.consumers:
        slice_inputs(network.get_submodule(consumer.name), index, consumer.positions)
