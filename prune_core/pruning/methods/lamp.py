"""Layer-adaptive magnitude (Lee et al. 2021, arXiv:2010.07611): magnitudes made comparable between layers.

The score of a weight is its square over the sum of squares of all weights of its layer that are not smaller. The largest
weight of each layer scores 1, so that no layer dies before all others are down to one weight.
"""

from __future__ import annotations

import torch
from torch import Tensor

from prune_core.pruning.method import METHODS, Method, ScoreContext, WeightOptions
from prune_core.pruning.selection import Scores


def lamp_scores(weight: Tensor) -> Tensor:
    """Return w² / (sum of v² over v that come at or after w in ascending order), float64, of the weight's shape."""
    squares = weight.detach().double().flatten().square()
    order = squares.argsort(stable=True)
    ascending = squares[order]
    tails = ascending.flip(0).cumsum(0).flip(0)
    scores = torch.empty_like(squares)
    # A layer of zeros only: every weight scores 0, there is nothing to keep in it.
    scores[order] = torch.where(tails > 0, ascending / tails, torch.zeros_like(tails))
    return scores.view(weight.shape)


def scores(context: ScoreContext) -> Scores:
    """Return the layer-adaptive score of every weight."""
    return {name: lamp_scores(context.weight(name)) for name in context.names}


METHODS.register("lamp")(Method("weights", WeightOptions, scores, source="Lee et al. 2021, arXiv:2010.07611"))
