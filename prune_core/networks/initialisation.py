"""How fresh weights are drawn: He et al. 2015 by default, and the ways of the code of Liu et al. 2019 (arXiv:1810.05270)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from torch import nn


@dataclass(frozen=True)
class Initialisation:
    """One way to draw weights.

    Attributes:
        fan: the standard deviation of a convolution is ``sqrt(2 / (k * k * C))`` with C its input channels ("fan_in") or its
            output channels ("fan_out"); biases are 0.
        scale: the scale (gamma) of every BatchNorm2d; its shift is 0.
        linear: standard deviation of linear weights, with biases 0; None leaves the framework's default.
    """

    fan: Literal["fan_in", "fan_out"] = "fan_out"
    scale: float = 1.0
    linear: float | None = None


Named = Literal["he", "study_unstructured", "study_l1_filter", "study_network_slimming"]
"""Values of the option ``initialisation``: He et al. 2015, or what the study takes for the networks of one method."""

VGG: Mapping[Named, Initialisation] = {
    "he": Initialisation(),
    "study_unstructured": Initialisation("fan_in", 1.0, 0.01),
    "study_l1_filter": Initialisation("fan_out", 0.5, 0.01),
    "study_network_slimming": Initialisation("fan_out", 0.5, 0.01),
}

RESNET: Mapping[Named, Initialisation] = {
    "he": Initialisation(),
    "study_unstructured": Initialisation(),
    "study_l1_filter": Initialisation(),
    "study_network_slimming": Initialisation("fan_out", 0.5),
}


def initialise(network: nn.Module, how: Initialisation) -> None:
    """Draw the weights of every convolution, batch norm and linear layer from torch's global generator."""
    network.initialisation = how  # type: ignore[assignment]
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode=how.fan, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.weight, how.scale)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear) and how.linear is not None:
            nn.init.normal_(module.weight, std=how.linear)
            nn.init.zeros_(module.bias)


def redraw(network: nn.Module) -> None:
    """Draw the weights of a network anew as `initialise` did when it was built, by the shapes that it has now.

    A network that was built without `initialise` (a plugin's) keeps what it has.
    """
    how = getattr(network, "initialisation", None)
    if not isinstance(how, Initialisation):
        return
    for module in network.modules():
        if isinstance(module, nn.Linear):
            module.reset_parameters()
    initialise(network, how)
