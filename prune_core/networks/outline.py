"""A network to be looked at, not computed with: options, layers and shapes, without the time that drawing weights takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from prune_core.base.description import canonical_json
from prune_core.base.files import parse_json
from prune_core.networks.registry import NETWORKS, build_network

_DRAWING = ("kaiming_normal_", "kaiming_uniform_", "normal_", "uniform_", "trunc_normal_")
"""Functions of `torch.nn.init` and of tensors that draw every value of a tensor: most of the time of a builder."""


class _Undrawn(TorchFunctionMode):
    """Leaves out the drawing of weights."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Return what a function of torch returns; of one that draws, its tensor as it is."""
        given: Mapping[str, Any] = kwargs or {}
        if getattr(func, "__name__", "") in _DRAWING:
            return args[0] if args else given["tensor"]
        return func(*args, **given)


def network_outline(name: str, options: Mapping[str, Any]) -> nn.Module:
    """Return a network as `build_network` builds it, once for a name and options; the values of its weights say nothing.

    Torch's random state stays as it is. A network of the user's own is built as always: its builder may read weights.

    Args:
        name: of the network.
        options: plain data.

    Raises:
        BadInput: as `build_network` does.
    """
    return _outline(name, canonical_json(dict(options)), NETWORKS.module(name) is None)


@lru_cache(maxsize=16)
def _outline(name: str, options: str, shipped: bool) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        if not shipped:
            return build_network(name, **parse_json(options))
        with _Undrawn():
            return build_network(name, **parse_json(options))
