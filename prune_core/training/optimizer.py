"""One step of SGD, with what pruning adds before and after it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from prune_core.errors import BadInput
from prune_core.training.recipe import Recipe


def sgd(network: nn.Module, recipe: Recipe) -> torch.optim.SGD:
    """Return SGD over every parameter, weight decay included (protocol section 3)."""
    return torch.optim.SGD(
        network.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.nesterov,
        foreach=True,
    )


def scales(network: nn.Module) -> list[nn.Parameter]:
    """Return the scale of every BatchNorm2d, in module order."""
    return [module.weight for module in network.modules() if isinstance(module, nn.BatchNorm2d) and module.affine]


def add_sparsity(parameters: list[nn.Parameter], strength: float) -> None:
    """Add s * sign(gamma) to the gradients, sign(0) = 0: the L1 subgradient of network slimming (protocol 2.3)."""
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.add_(parameter.detach().sign(), alpha=strength)


class Masks:
    """Which weights are gone, and the two acts that keep them at exactly zero."""

    def __init__(self, network: nn.Module, masks: Mapping[str, Tensor]) -> None:
        parameters = dict(network.named_parameters())
        self._pairs: list[tuple[nn.Parameter, Tensor]] = []
        for name, mask in masks.items():
            if name not in parameters or parameters[name].shape != mask.shape:
                raise BadInput(f"mask {name!r} of shape {tuple(mask.shape)} fits no parameter of the network")
            self._pairs.append((parameters[name], ~mask.to(parameters[name].device, torch.bool)))
        self.zero_weights()

    def zero_gradients(self) -> None:
        """Before the step: nothing pulls at what is gone, so momentum stays empty there."""
        for parameter, gone in self._pairs:
            if parameter.grad is not None:
                parameter.grad.masked_fill_(gone, 0.0)

    def zero_weights(self) -> None:
        """After the step: whatever the optimiser did (decay, momentum from before), exactly +0."""
        with torch.no_grad():
            for parameter, gone in self._pairs:
                parameter.masked_fill_(gone, 0.0)
