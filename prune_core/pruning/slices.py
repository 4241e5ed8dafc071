"""Channels of networks that users bring: what is kept, module by module, since such a network names no channel groups.

Keys of ``kept`` are module names for a module's own channels (rows of a convolution, channels of a batch norm) and module
names followed by ``:in`` for what it reads. A depthwise convolution has one key: its channels are rows and inputs at once.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from prune_core.base.errors import BadInput

INPUT = ":in"


def is_depthwise(module: nn.Module) -> bool:
    """Return whether each output channel of a convolution reads the one input channel of the same number."""
    return isinstance(module, nn.Conv2d) and 1 < module.groups == module.in_channels == module.out_channels


def slice_width(network: nn.Module, key: str) -> int:
    """Return how many channels a key stands for now.

    Raises:
        BadInput: the key names no module that can be sliced like this.
    """
    name, inputs = key.removesuffix(INPUT), key.endswith(INPUT)
    module = dict(network.named_modules()).get(name)
    if isinstance(module, nn.Conv2d) and (module.groups == 1 or (is_depthwise(module) and not inputs)):
        return module.in_channels if inputs else module.out_channels
    if isinstance(module, nn.BatchNorm2d) and not inputs:
        return module.num_features
    if isinstance(module, nn.Linear) and inputs:
        return module.in_features
    raise BadInput(f"{key!r} names no channels of this network that can be removed")


@torch.no_grad()
def keep_slice(network: nn.Module, key: str, index: Tensor) -> None:
    """Keep the indexed channels of one key, in place."""
    module = network.get_submodule(key.removesuffix(INPUT))
    if isinstance(module, nn.BatchNorm2d):
        slice_norm(module, index)
    elif key.endswith(INPUT):
        slice_inputs(module, index)
    else:
        slice_outputs(module, index)


def slice_outputs(convolution: nn.Module, index: Tensor) -> None:
    """Keep the indexed rows of a convolution; a depthwise one narrows as a whole."""
    if is_depthwise(convolution):
        convolution.in_channels = convolution.groups = index.numel()  # type: ignore[assignment]
    _slice_parameters(convolution, ("weight", "bias"), index, 0)
    convolution.out_channels = index.numel()  # type: ignore[assignment]


def slice_norm(norm: nn.Module, index: Tensor) -> None:
    """Keep the indexed channels of a batch norm: scale, shift, running mean and variance."""
    _slice_parameters(norm, ("weight", "bias"), index, 0)
    for name in ("running_mean", "running_var"):
        values = getattr(norm, name)
        if values is not None:
            setattr(norm, name, values.index_select(0, index.to(values.device)))
    norm.num_features = index.numel()  # type: ignore[assignment]


def slice_inputs(consumer: nn.Module, index: Tensor, positions: int = 1) -> None:
    """Keep the indexed input channels of a convolution or linear layer.

    ``positions`` is the number of spatial positions per channel where a flatten lies between: column c * positions + p of
    the linear layer belongs to channel c.
    """
    columns = (index[:, None] * positions + torch.arange(positions)).flatten()
    _slice_parameters(consumer, ("weight",), columns, 1)
    setattr(consumer, "in_features" if isinstance(consumer, nn.Linear) else "in_channels", columns.numel())


def _slice_parameters(module: nn.Module, names: tuple[str, ...], index: Tensor, dimension: int) -> None:
    for name in names:
        old = getattr(module, name)
        if old is not None:
            values = old.detach().index_select(dimension, index.to(old.device))
            setattr(module, name, nn.Parameter(values, requires_grad=old.requires_grad))
