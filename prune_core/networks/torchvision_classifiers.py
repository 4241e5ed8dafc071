"""Any classifier of torchvision, by the name ``torchvision:NAME``, with an option for small images."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from torch import nn

from prune_core.base.errors import BadInput, UnknownName

Stem = Literal["imagenet", "small"]

LARGEST_STRIDE = 4
"""A first convolution with a larger stride cuts patches (vision transformers): all that follows counts on their number."""


def builder_of(name: str) -> Callable[..., nn.Module]:
    """Return the builder of one of torchvision's classifiers, without pretrained weights.

    Its options: ``num_classes``, ``in_channels``, and ``stem``: "small" makes a first convolution with a stride (7x7/2, say)
    3x3/1 and leaves out the max-pooling right after it, so that 32x32 images are not reduced to nothing.

    Raises:
        BadInput: for an unknown name, or without torchvision.
    """
    try:
        from torchvision import models
    except ImportError as error:
        raise BadInput(f"network torchvision:{name} needs the package torchvision, which is not installed") from error
    names = models.list_models(module=models)
    if name not in names:
        raise UnknownName("torchvision classifier", name, names)
    return partial(_classifier, name)


def _classifier(name: str, /, *, num_classes: int, in_channels: int, stem: Stem = "imagenet") -> nn.Module:
    from torchvision import models

    # These two return a tuple in training mode and warn about slow initialisation unless told otherwise.
    special: dict[str, Any] = {"aux_logits": False, "init_weights": True} if name in ("googlenet", "inception_v3") else {}
    network: nn.Module = models.get_model(name, weights=None, num_classes=num_classes, **special)
    first = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    if stem == "small" and max(first.stride) > LARGEST_STRIDE:
        size = f"{first.kernel_size[0]}x{first.kernel_size[1]}/{first.stride[0]}"
        raise BadInput(f"network torchvision:{name}: stem 'small' is not possible, it begins with patches of {size}")
    if stem == "small":
        _drop_early_pooling(network)
    strided = stem == "small" and max(first.stride) > 1
    if strided or first.in_channels != in_channels:
        _replace(network, first, _first_convolution(first, in_channels, strided))
    return network


def _first_convolution(old: nn.Conv2d, in_channels: int, strided: bool) -> nn.Conv2d:
    """Return a convolution like the old one for these channels; 3x3 with stride 1 instead of one with a stride."""
    bias = old.bias is not None
    if strided:
        new = nn.Conv2d(in_channels, old.out_channels, 3, stride=1, padding=1, bias=bias)
    else:
        size, stride, padding = old.kernel_size, old.stride, old.padding
        new = nn.Conv2d(in_channels, old.out_channels, size, stride, padding, bias=bias)  # type: ignore[arg-type]
    nn.init.kaiming_normal_(new.weight, mode="fan_out", nonlinearity="relu")
    if new.bias is not None:
        nn.init.zeros_(new.bias)
    return new


def _drop_early_pooling(network: nn.Module) -> None:
    """Replace a max-pooling between the first and the second convolution, in the order of registration."""
    seen = 0
    for module in list(network.modules()):
        seen += isinstance(module, nn.Conv2d)
        if seen > 1:
            return
        if isinstance(module, nn.MaxPool2d):
            _replace(network, module, nn.Identity())
            return


def _replace(network: nn.Module, old: nn.Module, new: nn.Module) -> None:
    name = next(name for name, module in network.named_modules() if module is old)
    parent, _, child = name.rpartition(".")
    setattr(network.get_submodule(parent), child, new)
