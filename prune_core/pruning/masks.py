"""Masks of unstructured pruning: boolean tensors by parameter name, true = keep."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from prune_core.pruning.outcome import PruningOutcome


@torch.no_grad()
def zero_out(network: nn.Module, masks: dict[str, Tensor]) -> None:
    """Set every masked weight to exactly zero, in place.

    Raises:
        AttributeError: a mask names a parameter that the network has not got.
    """
    for name, mask in masks.items():
        parameter = network.get_parameter(name)
        parameter.masked_fill_(~mask.to(parameter.device), 0.0)


def apply_masks_(network: nn.Module) -> None:
    """Zero the pruned weights of a network again; call it after every optimiser step.

    Momentum and weight decay would let pruned weights grow back. Does nothing for a network that is not pruned, or was
    pruned by a structured method.
    """
    outcome = getattr(network, "outcome", None)
    if isinstance(outcome, PruningOutcome) and outcome.masks:
        zero_out(network, outcome.masks)


def masks_from_zeros(network: nn.Module, names: list[str]) -> dict[str, Tensor]:
    """Return masks of the named parameters that keep whatever is not zero now."""
    return {name: network.get_parameter(name).detach() != 0 for name in names}
