"""The masked twin of a pruned network: the dense one with the same weights or channels set to zero."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from prune_core.base.copies import copied
from prune_core.networks import architecture_of
from prune_core.pruning.masks import zero_out
from prune_core.pruning.outcome import outcome_of
from prune_core.pruning.slices import INPUT
from prune_core.pruning.surgery import channel_count, groups_of, selection_index


def masked_copy(dense: nn.Module, pruned: nn.Module) -> nn.Module:
    """Return a float64 copy on the CPU of the network that was pruned, with what its pruned twin lacks set to zero.

    A channel is zero *after its batch norm* (scale and shift zero), or where there is none, after its convolution.

    Raises:
        BadInput: the pruned network names channels that the dense one has not got.
    """
    masked = copied(dense).cpu().double()
    outcome = outcome_of(pruned)
    if outcome.granularity == "weights":
        zero_out(masked, {name: mask.cpu() for name, mask in outcome.masks.items()})
        return masked
    grouped = hasattr(masked, "channel_groups")
    kept = outcome.kept if grouped else architecture_of(pruned).kept
    groups = groups_of(masked) if grouped else {}
    for key, staying in kept.items():
        if key.endswith(INPUT):
            continue
        positions = torch.tensor(_removed(masked, key, staying), dtype=torch.long)
        group = groups.get(key)
        if group is not None and group.kind == "selection":
            positions = selection_index(masked, group)[2][positions]
        _silence(masked, key if group is None else group.norm or key, positions)
    return masked


def _removed(dense: nn.Module, key: str, kept: list[int]) -> list[int]:
    """Return the positions that went, in a network that may itself have been pruned before."""
    before = architecture_of(dense).kept.get(key) or range(channel_count(dense, key))
    staying = set(kept)
    return [position for position, channel in enumerate(before) if channel not in staying]


@torch.no_grad()
def _silence(network: nn.Module, name: str, positions: Tensor) -> None:
    for parameter in network.get_submodule(name).parameters(recurse=False):
        parameter[positions] = 0.0
