"""One step of SGD, with what pruning adds before and after it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from prune_core.base.errors import BadInput
from prune_core.base.recipe import Recipe


class Sgd:
    """SGD over every parameter, weight decay on all of them, batch norm and biases too, as Liu et al. 2019 do.

    The same numbers as ``torch.optim.SGD``, whose first use in a process imports torch's compiler: that takes as long as
    importing torch itself, in every worker of a sweep.
    """

    def __init__(self, network: nn.Module, recipe: Recipe) -> None:
        self.recipe = recipe
        self.parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self.momentum = [torch.zeros_like(parameter) for parameter in self.parameters] if recipe.momentum else []

    def forget_gradients(self) -> None:
        """Drop the gradients of the last step."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """V = m v + (g + d w); w -= rate v, or with Nesterov w -= rate (g + d w + m v)."""
        used = [(p, p.grad, i) for i, p in enumerate(self.parameters) if p.grad is not None]
        weights: list[Tensor] = [p for p, _, _ in used]
        gradients = [g for _, g, _ in used]
        if not weights:
            return
        if self.recipe.weight_decay:
            torch._foreach_add_(gradients, weights, alpha=self.recipe.weight_decay)
        if self.recipe.momentum:
            velocity = [self.momentum[i] for _, _, i in used]
            torch._foreach_mul_(velocity, self.recipe.momentum)
            torch._foreach_add_(velocity, gradients)
            if self.recipe.nesterov:
                torch._foreach_add_(gradients, velocity, alpha=self.recipe.momentum)
            else:
                gradients = velocity
        torch._foreach_add_(weights, gradients, alpha=-rate)

    def state_dict(self) -> dict[str, list[Tensor]]:
        """Return the velocities, not copies, in the order of the parameters."""
        return {"momentum": self.momentum}

    def load_state_dict(self, state: Mapping[str, list[Tensor]]) -> None:
        """Take over velocities, for example from another device.

        Raises:
            ValueError: they are not those of this network.
        """
        found = state["momentum"]
        if [value.shape for value in found] != [value.shape for value in self.momentum]:
            raise ValueError("the optimiser's state is that of another network")
        for mine, given in zip(self.momentum, found, strict=True):
            mine.copy_(given)


def scales(network: nn.Module) -> list[nn.Parameter]:
    """Return the scale of every BatchNorm2d, in module order."""
    return [module.weight for module in network.modules() if isinstance(module, nn.BatchNorm2d) and module.affine]


def add_sparsity(parameters: list[nn.Parameter], strength: float) -> None:
    """Add s * sign(gamma) to the gradients, sign(0) = 0: the L1 subgradient of network slimming (Liu et al. 2017)."""
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
