"""The masked twin of a pruned network: the dense one with the same weights or channels set to zero."""

from __future__ import annotations

import copy

import torch
from torch import nn

from prune_core.errors import BadInput
from prune_core.networks import ChannelGroup
from prune_core.pruning.masks import zero_out
from prune_core.pruning.outcome import PruningOutcome
from prune_core.pruning.surgery import groups_of, selection_index, width_of


def masked_copy(dense: nn.Module, outcome: PruningOutcome) -> nn.Module:
    """Return a float64 copy on the CPU of the network that was pruned, with what the outcome removed set to zero.

    A channel is zero *after its batch norm* (scale and shift zero), or where there is none, after its convolution.

    Raises:
        BadInput: the outcome names what this network has not got.
    """
    masked = copy.deepcopy(dense).cpu().double()
    if outcome.granularity == "weights":
        zero_out(masked, {name: mask.cpu() for name, mask in outcome.masks.items()})
        return masked
    groups = groups_of(masked)
    for name, kept in outcome.kept.items():
        if name not in groups:
            raise BadInput(f"the outcome prunes {name!r}, which this network has not got")
        _silence(masked, groups[name], _removed(masked, groups[name], kept))
    return masked


def _removed(dense: nn.Module, group: ChannelGroup, kept: list[int]) -> list[int]:
    """Return the positions that went, in a network that may itself have been pruned before."""
    before = dense.architecture.kept.get(group.name) or range(width_of(dense, group))  # type: ignore[union-attr, operator]
    staying = set(kept)
    return [position for position, channel in enumerate(before) if channel not in staying]


@torch.no_grad()
def _silence(network: nn.Module, group: ChannelGroup, positions: list[int]) -> None:
    where = torch.tensor(positions, dtype=torch.long)
    if group.kind == "selection":
        where = selection_index(network, group)[2][where]
    module = network.get_submodule(group.norm or group.convolution or "")
    for parameter in module.parameters(recurse=False):
        parameter[where] = 0.0
