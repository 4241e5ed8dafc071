"""Pruning methods: scores, one selection, one surgery."""

from __future__ import annotations

from prune_core.pruning import methods as methods
from prune_core.pruning.masks import apply_masks_, masks_from_zeros
from prune_core.pruning.method import METHODS, ChannelOptions, Method, ScoreContext, WeightOptions
from prune_core.pruning.outcome import LayerOutcome, PruningOutcome, outcome_of
from prune_core.pruning.prune import prune
from prune_core.pruning.saving import load_network, save_network
from prune_core.pruning.surgery import remove_channels

__all__ = [
    "METHODS",
    "ChannelOptions",
    "LayerOutcome",
    "Method",
    "PruningOutcome",
    "ScoreContext",
    "WeightOptions",
    "apply_masks_",
    "load_network",
    "masks_from_zeros",
    "outcome_of",
    "prune",
    "remove_channels",
    "save_network",
]
