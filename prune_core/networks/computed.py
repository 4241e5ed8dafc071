"""Weights that a layer computes before each forward pass: weight norm, spectral norm, masks and other parametrizations.

Torch has two ways: ``torch.nn.utils.parametrize``, and hooks that leave the weight as an ordinary attribute, which is only
right after the hook has run.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from prune_core.base.copies import copied


def computed_weights(network: nn.Module) -> dict[str, str]:
    """Return the modules whose parameters are computed from others, with what computes them."""
    found = {}
    for name, module in network.named_modules():
        kinds = [type(hook).__name__ for hook in _hooks(module)]
        if parametrize.is_parametrized(module):
            lists = module.parametrizations.values()
            kinds += [type(inner).__name__.strip("_") for each in lists for inner in each]
        if kinds:
            found[name] = " and ".join(dict.fromkeys(kinds))
    return found


@torch.no_grad()
def compute_weights(network: nn.Module) -> None:
    """Set the weights that hooks compute to what the parameters say now, in place; as after a forward pass."""
    for module in network.modules():
        for hook in _hooks(module):
            if isinstance(hook, WeightNorm):
                setattr(module, hook.name, hook.compute_weight(module))
            elif isinstance(hook, SpectralNorm):
                setattr(module, hook.name, hook.compute_weight(module, do_power_iteration=False))
            else:
                setattr(module, hook._tensor_name, hook.apply_mask(module))  # type: ignore[no-untyped-call]


def folded(network: nn.Module) -> nn.Module:
    """Return a copy in evaluation mode in which every computed weight is an ordinary parameter of the same value."""
    plain = copied(network).eval()
    compute_weights(plain)
    for module in plain.modules():
        for key, hook in list(module._forward_pre_hooks.items()):
            if isinstance(hook, WeightNorm | SpectralNorm | BasePruningMethod):
                name = hook._tensor_name if isinstance(hook, BasePruningMethod) else hook.name
                _plain_parameter(module, name)
                del module._forward_pre_hooks[key]
        if parametrize.is_parametrized(module):
            _without_parametrizations(module)
    return plain


def _hooks(module: nn.Module) -> list[WeightNorm | SpectralNorm | BasePruningMethod]:
    hooks = module._forward_pre_hooks.values()
    return [hook for hook in hooks if isinstance(hook, WeightNorm | SpectralNorm | BasePruningMethod)]


def _without_parametrizations(module: nn.Module) -> None:
    """Fold a copied module; torch's own way would change the class, which the copy shares with the original."""
    values = {name: getattr(module, name).detach().clone() for name in module.parametrizations}  # type: ignore[union-attr]
    del module._modules["parametrizations"]
    module.__class__ = type(module).__bases__[0]
    for name, value in values.items():
        module.register_parameter(name, nn.Parameter(value))


def _plain_parameter(module: nn.Module, name: str) -> None:
    value = getattr(module, name).detach().clone()
    for other in [key for key in module._parameters if key.startswith(f"{name}_")]:
        del module._parameters[other]
    module.__dict__.pop(name, None)
    setattr(module, name, nn.Parameter(value))
