"""Networks by name; each family is one file in ``families/``.

The public names are looked up when they are asked for: `prune_core.base.lazy`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prune_core.base.lazy import lazy_names

if TYPE_CHECKING:
    from prune_core.networks.architecture import Architecture, ChannelGroup, Consumer, architecture_of, convolutions
    from prune_core.networks.class_names import check_class_names
    from prune_core.networks.families.preresnet import ChannelSelection
    from prune_core.networks.outline import network_outline
    from prune_core.networks.registry import NETWORKS, TORCHVISION, build_network, described_options, is_known
    from prune_core.networks.weights import load_weights

__all__ = [
    "Architecture",
    "ChannelGroup",
    "ChannelSelection",
    "Consumer",
    "NETWORKS",
    "TORCHVISION",
    "architecture_of",
    "build_network",
    "check_class_names",
    "convolutions",
    "described_options",
    "is_known",
    "load_weights",
    "network_outline",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Architecture": "prune_core.networks.architecture",
        "ChannelGroup": "prune_core.networks.architecture",
        "ChannelSelection": "prune_core.networks.families.preresnet",
        "Consumer": "prune_core.networks.architecture",
        "NETWORKS": "prune_core.networks.registry",
        "TORCHVISION": "prune_core.networks.registry",
        "architecture_of": "prune_core.networks.architecture",
        "build_network": "prune_core.networks.registry",
        "check_class_names": "prune_core.networks.class_names",
        "convolutions": "prune_core.networks.architecture",
        "described_options": "prune_core.networks.registry",
        "is_known": "prune_core.networks.registry",
        "load_weights": "prune_core.networks.weights",
        "network_outline": "prune_core.networks.outline",
    },
)
