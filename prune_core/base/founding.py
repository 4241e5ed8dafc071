"""The options of shipped networks and methods that version 0.1.0 wrote into every description. Never add to them.

An option that is added later is left out of a description while it is at its default, so that it changes nobody's keys.
"""

from __future__ import annotations

from collections.abc import Mapping

_VGG = ("width", "conv_bias", "head", "initialisation")
_RESNET = ("width", "shortcut", "detach_shortcut", "conv_bias", "initialisation")
_PRERESNET = ("width", "conv_bias", "initialisation")

NETWORK_OPTIONS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("vgg11", "vgg13", "vgg16", "vgg19", "small_vgg"), _VGG),
    **dict.fromkeys(("resnet8", "resnet20", "resnet32", "resnet44", "resnet56", "resnet110"), _RESNET),
    "small_resnet": ("width", "shortcut", "conv_bias", "initialisation"),
    **dict.fromkeys(("preresnet110", "preresnet164", "small_preresnet"), _PRERESNET),
    "torchvision": ("stem",),
}

_WEIGHTS = ("scope", "linear", "layers", "rule")
_CHANNELS = ("layers", "round_to", "rule")

METHOD_OPTIONS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("unstructured", "lamp"), _WEIGHTS),
    **dict.fromkeys(("l1_filter", "fpgm", "network_slimming", "taylor"), _CHANNELS),
    "random_weights": (*_WEIGHTS, "seed", "like"),
    **dict.fromkeys(("random_filters", "random_channels"), (*_CHANNELS, "seed", "like")),
}
