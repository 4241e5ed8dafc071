"""Network slimming (Liu et al. 2017, arXiv:1708.06519): channels with the smallest batch-norm scales go, layers pooled.

The baseline is trained with an L1 penalty on these scales; without it the method runs, but its scores say little.
"""

from __future__ import annotations

from prune_core.pruning.method import METHODS, ChannelOptions, Method, ScoreContext
from prune_core.pruning.selection import Scores


def scores(context: ScoreContext) -> Scores:
    """Return |gamma| of every channel that can be removed; a narrowed selection scores the channels it still picks."""
    found = {}
    for name in context.names:
        gamma = context.norm(name).get_parameter("weight").detach().abs()
        selection = context.groups[name].selection
        found[name] = gamma if selection is None else gamma[context.network.get_buffer(f"{selection}.index")]
    return found


METHODS.register("network_slimming")(
    Method("channels", ChannelOptions, scores, source="Liu et al. 2017, arXiv:1708.06519", needs_sparsity_training=True)
)
