"""Networks by name; each family is one file in ``families/``."""

from __future__ import annotations

from prune_core.networks import families as families
from prune_core.networks.architecture import Architecture, ChannelGroup, Consumer, architecture_of, convolutions
from prune_core.networks.families.preresnet import ChannelSelection
from prune_core.networks.registry import NETWORKS, build_network
from prune_core.networks.weights import load_weights

__all__ = [
    "NETWORKS",
    "Architecture",
    "ChannelGroup",
    "ChannelSelection",
    "Consumer",
    "architecture_of",
    "build_network",
    "convolutions",
    "load_weights",
]
