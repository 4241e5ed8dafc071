"""Magnitude of weights (Han et al. 2015, arXiv:1506.02626): the smallest go, by default of all convolutions at once."""

from __future__ import annotations

from prune_core.pruning.method import METHODS, Method, ScoreContext, WeightOptions
from prune_core.pruning.selection import Scores


def scores(context: ScoreContext) -> Scores:
    """Return |w| of every weight."""
    return {name: context.weight(name).abs() for name in context.names}


METHODS.register("unstructured")(Method("weights", WeightOptions, scores, source="Han et al. 2015, arXiv:1506.02626"))
