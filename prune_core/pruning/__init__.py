"""Pruning methods: scores, one selection, one surgery.

The public names are looked up when they are asked for: `prune_core.base.lazy`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prune_core.base.lazy import lazy_names

if TYPE_CHECKING:
    from prune_core.pruning.layers import choose_layers
    from prune_core.pruning.masks import apply_masks_, masks_from_zeros
    from prune_core.pruning.method import (
        METHODS,
        ChannelOptions,
        Method,
        ScoreContext,
        WeightOptions,
        described_options,
        make_options,
        plain_options,
    )
    from prune_core.pruning.outcome import LayerOutcome, PruningOutcome, outcome_of
    from prune_core.pruning.probe import for_images
    from prune_core.pruning.prune_network import prune
    from prune_core.pruning.saving import load_network, save_network
    from prune_core.pruning.surgery import remove_channels

__all__ = [
    "ChannelOptions",
    "LayerOutcome",
    "METHODS",
    "Method",
    "PruningOutcome",
    "ScoreContext",
    "WeightOptions",
    "apply_masks_",
    "choose_layers",
    "described_options",
    "for_images",
    "load_network",
    "make_options",
    "masks_from_zeros",
    "outcome_of",
    "plain_options",
    "prune",
    "remove_channels",
    "save_network",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "ChannelOptions": "prune_core.pruning.method",
        "LayerOutcome": "prune_core.pruning.outcome",
        "METHODS": "prune_core.pruning.method",
        "Method": "prune_core.pruning.method",
        "PruningOutcome": "prune_core.pruning.outcome",
        "ScoreContext": "prune_core.pruning.method",
        "WeightOptions": "prune_core.pruning.method",
        "apply_masks_": "prune_core.pruning.masks",
        "choose_layers": "prune_core.pruning.layers",
        "described_options": "prune_core.pruning.method",
        "for_images": "prune_core.pruning.probe",
        "load_network": "prune_core.pruning.saving",
        "make_options": "prune_core.pruning.method",
        "masks_from_zeros": "prune_core.pruning.masks",
        "outcome_of": "prune_core.pruning.outcome",
        "plain_options": "prune_core.pruning.method",
        "prune": "prune_core.pruning.prune_network",
        "remove_channels": "prune_core.pruning.surgery",
        "save_network": "prune_core.pruning.saving",
    },
)
