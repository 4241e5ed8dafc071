"""`prune`: from a network, a method's name and a ratio to a new, pruned network."""

from __future__ import annotations

from typing import Any

from torch import nn

from prune_core.base.copies import copied
from prune_core.pruning.again import check_order
from prune_core.pruning.channels import prune_channels
from prune_core.pruning.layers import choose_layers
from prune_core.pruning.method import METHODS, make_options
from prune_core.pruning.ratio import Ratio, parse_ratio
from prune_core.pruning.removal_proof import refuse_wrong
from prune_core.pruning.weights import prune_weights


def prune(network: nn.Module, method: str, ratio: Ratio | None, **options: Any) -> nn.Module:
    """Return a pruned copy of a network; the given one stays as it is.

    Args:
        network: from `build_network`, or any module for methods that prune weights.
        method: a name of `METHODS`.
        ratio: fraction of the *dense* network's pool to remove, in [0, 1): of weights, of filters per layer, of all channels
            together; the granularity of the method says which. 0 removes nothing, ``None`` leaves it to a layer preset. What
            an earlier pruning took counts as removed, so a ratio that asks for less than is gone is refused.
        options: the method's; ``layers`` (convolution numbers from 1 in forward order, or a preset), ``rule``, and so on.

    Returns:
        The pruned network; its attribute ``outcome`` is a `PruningOutcome`.

    Raises:
        BadInput: unknown method or option, a ratio or layers that are not allowed, nothing to prune.
        Diverged: the network's weights are not finite.
    """
    entry = METHODS.get(method)
    settings = make_options(method, entry, options)
    wanted = None if ratio is None else parse_ratio(ratio)
    choice = choose_layers(network, settings.layers, wanted)
    check_order(network, entry.granularity)
    pruned = copied(network)
    if entry.granularity == "weights":
        prune_weights(pruned, method, entry, settings, wanted or parse_ratio(0), choice)
    else:
        prune_channels(pruned, method, entry, settings, wanted, choice)
        if not hasattr(pruned, "channel_groups"):
            refuse_wrong(network, pruned)
    return pruned
