"""Random pruning: the control that every method has to beat at the same counts.

By default the counts are those of the ratio (single weights and pooled channels: one pool; filters: the same share of each
layer). ``like`` names a method whose counts per layer are taken, so that only the choice within the layer is random.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from prune_core.base.errors import BadInput
from prune_core.base.seeds import torch_generator
from prune_core.pruning.method import METHODS, ChannelOptions, Method, ScoreContext, WeightOptions, check_seed
from prune_core.pruning.outcome import Granularity
from prune_core.pruning.selection import Scores
from prune_core.pruning.surgery import width_of


def _check_like(like: str | None, granularity: Granularity) -> None:
    if like is None:
        return
    method = METHODS.get(like)
    if method.granularity != granularity or method.control or method.needs_batches:
        fitting = [n for n in METHODS if METHODS.get(n).granularity == granularity]
        fitting = [n for n in fitting if not (METHODS.get(n).control or METHODS.get(n).needs_batches)]
        raise BadInput(f"option like: {like!r} does not prune {granularity} by itself (allowed: {', '.join(fitting)})")


@dataclass(frozen=True, kw_only=True)
class RandomWeightOptions(WeightOptions):
    """``seed`` of the draw; ``like``: the method whose counts per layer are taken."""

    seed: int = 0
    like: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_seed(self.seed)
        _check_like(self.like, "weights")


@dataclass(frozen=True, kw_only=True)
class RandomFilterOptions(ChannelOptions):
    """``seed`` of the draw; ``like``: the method whose counts per layer are taken."""

    seed: int = 0
    like: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_seed(self.seed)
        _check_like(self.like, "filters")


@dataclass(frozen=True, kw_only=True)
class RandomChannelOptions(ChannelOptions):
    """``seed`` of the draw; ``like``: the method whose counts per layer are taken."""

    seed: int = 0
    like: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_seed(self.seed)
        _check_like(self.like, "channels")


def _uniform(shape: torch.Size, seed: int, name: str) -> Tensor:
    """Draw on the CPU in float64: the same choice on every device, and ties are practically impossible."""
    return torch.rand(shape, generator=torch_generator("random pruning", seed, name), dtype=torch.float64)


def weight_scores(context: ScoreContext) -> Scores:
    """Return uniform scores per weight, from a stream of their own per parameter."""
    return {name: _uniform(context.weight(name).shape, context.options.seed, name) for name in context.names}


def channel_scores(context: ScoreContext) -> Scores:
    """Return uniform scores per channel, from a stream of their own per group."""
    widths = {name: width_of(context.network, context.groups[name]) for name in context.names}
    return {name: _uniform(torch.Size([width]), context.options.seed, name) for name, width in widths.items()}


METHODS.register("random_weights")(Method("weights", RandomWeightOptions, weight_scores, source="control", control=True))
METHODS.register("random_filters")(Method("filters", RandomFilterOptions, channel_scores, source="control", control=True))
METHODS.register("random_channels")(Method("channels", RandomChannelOptions, channel_scores, source="control", control=True))
