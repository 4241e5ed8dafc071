"""L1 norm of filters (Li et al. 2017, arXiv:1608.08710): in each layer the filters with the smallest norm go."""

from __future__ import annotations

from prune_core.pruning.method import METHODS, ChannelOptions, Method, ScoreContext
from prune_core.pruning.selection import Scores


def scores(context: ScoreContext) -> Scores:
    """Return the sum of |w| over each filter, in float64 so that the order of summation does not decide."""
    return {name: context.weight(name).double().abs().sum((1, 2, 3)) for name in context.names}


METHODS.register("l1_filter")(Method("filters", ChannelOptions, scores, source="Li et al. 2017, arXiv:1608.08710"))
