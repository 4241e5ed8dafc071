"""First-order Taylor expansion (Molchanov et al. 2019, arXiv:1906.10771): the filters that the loss misses least go.

The gate of a filter sits after its batch norm, where removal acts: multiplying scale and shift by a gate g, the loss has the
derivative gamma * dL/dgamma + beta * dL/dbeta at g = 1. The score is its square, averaged over the batches. (Before the
batch norm a gate would feel nothing: normalisation undoes it.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prune_core.base.copies import copied
from prune_core.base.errors import BadInput
from prune_core.base.memory_format import Forward
from prune_core.pruning.method import METHODS, Batches, ChannelOptions, Method, ScoreContext
from prune_core.pruning.selection import Scores


@dataclass(frozen=True, kw_only=True)
class TaylorOptions(ChannelOptions):
    """``batches``: an iterable of (images, labels), training images normalised as in training; read once."""

    batches: Batches | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batches is not None and not isinstance(self.batches, Iterable):
            raise BadInput(f"option batches: {type(self.batches).__name__} is no iterable of (images, labels)")


def scores(context: ScoreContext) -> Scores:
    """Return the mean squared derivative of the loss with respect to each filter's gate, batch norm in evaluation mode."""
    batches = context.options.batches
    if batches is None:
        raise BadInput("method taylor needs training images: give the option batches, an iterable of (images, labels)")
    network = copied(context.network).eval()
    gated = {name: _gated(network, context, name) for name in context.names}
    device = next(network.parameters()).device
    total = {name: torch.zeros(len(tensors[0]), dtype=torch.float64, device=device) for name, tensors in gated.items()}
    count, forward = 0, Forward(network)
    for images, labels in batches:
        network.zero_grad(set_to_none=True)
        with torch.enable_grad():
            F.cross_entropy(forward(images.to(device)), labels.to(device)).backward()  # type: ignore[no-untyped-call]
        for name, tensors in gated.items():
            total[name] += _derivative(tensors).square()
        count += 1
    if count == 0:
        raise BadInput("method taylor needs training images: the option batches is empty")
    return {name: sums / count for name, sums in total.items()}


def _gated(network: nn.Module, context: ScoreContext, name: str) -> list[nn.Parameter]:
    """Return the parameters that a gate behind the filters would multiply, by channel."""
    group = context.groups[name]
    module = network.get_submodule(group.norm or group.convolution or "")
    return list(module.parameters(recurse=False))


def _derivative(tensors: list[nn.Parameter]) -> Tensor:
    parts = [
        (tensor.detach() * tensor.grad).double().flatten(1 if tensor.ndim > 1 else 0)
        for tensor in tensors
        if tensor.grad is not None
    ]
    return torch.stack([part.sum(1) if part.ndim > 1 else part for part in parts]).sum(0)


METHODS.register("taylor")(
    Method("filters", TaylorOptions, scores, source="Molchanov et al. 2019, arXiv:1906.10771", needs_batches=True)
)
