"""A copy of a network, also of one whose weights are computed: torch's own deepcopy refuses those."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def copied(network: Network) -> Network:
    """Return a deep copy; parameters under two names are one parameter in the copy, too.

    ``torch.nn.utils.weight_norm``, ``spectral_norm`` and ``prune`` keep the weight that they compute as an ordinary
    attribute with a gradient function, and ``copy.deepcopy`` refuses such tensors. The copy gets their values; the next
    forward pass computes them anew.
    """
    memo: dict[int, Any] = {}
    for module in network.modules():
        for value in vars(module).values():
            if isinstance(value, Tensor) and not value.is_leaf:
                memo[id(value)] = value.detach().clone()
    return copy.deepcopy(network, memo)
