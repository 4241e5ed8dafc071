"""The one place that turns scores into what is kept.

A score says "higher = keep". Counts are exact, never thresholds on scores. Ties: among equal scores the lower index goes
first, and the earlier layer before the later one, which is what a stable ascending sort of the concatenated scores does.

The rule of the code of Liu et al. 2019 (``rule="paper"``) is a threshold: with k = int(N r) and t the (k+1)-th smallest
score, only scores strictly above t stay, so k + 1 go, and every tie with t goes too. The "+ 1" is in
`prune_core.pruning.ratio.removed_count`.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from prune_core.base.errors import Diverged

Rule = Literal["exact", "paper"]
RULES: tuple[Rule, ...] = ("exact", "paper")
Scores = dict[str, Tensor]
Kept = dict[str, Tensor]


def check_finite(scores: Scores) -> None:
    """Raise `Diverged` for a layer whose scores are not numbers: its network has diverged."""
    for name, values in scores.items():
        if not bool(torch.isfinite(values).all()):
            raise Diverged(f"the scores of {name} are not finite: the network to prune has diverged")


def lowest(values: Tensor, count: int) -> Tensor:
    """Return a boolean mask (true = goes) of the ``count`` lowest of a flat tensor; of equal ones lower indices go first.

    The same as the first ``count`` of a stable sort, in linear time: 20 million weights take a fraction of a second.
    """
    if count <= 0:
        return torch.zeros_like(values, dtype=torch.bool)
    threshold = values.kthvalue(count).values
    going = values < threshold
    ties = (values == threshold).nonzero().flatten()
    going[ties[: count - int(going.sum())]] = True
    return going


def keep_pooled(scores: Scores, remove: int, rule: Rule = "exact") -> Kept:
    """Keep all but ``remove`` of the scores of all layers together.

    Args:
        scores: name -> scores of any shape.
        remove: how many go; 0 keeps everything.
        rule: ``"paper"`` removes whatever ties with the last one to go as well.

    Returns:
        name -> boolean tensor of the scores' shape, true = keep.
    """
    flat = torch.cat([values.flatten() for values in scores.values()])
    ties_go = rule == "paper" and remove > 0
    keep = flat > flat.kthvalue(remove).values if ties_go else ~lowest(flat, remove)
    parts = torch.split(keep, [values.numel() for values in scores.values()])
    return {name: part.view(values.shape) for (name, values), part in zip(scores.items(), parts, strict=True)}


def keep_each(scores: Scores, remove: dict[str, int], rule: Rule = "exact") -> Kept:
    """Keep all but ``remove[name]`` of each layer by itself."""
    return {name: keep_pooled({name: values}, remove[name], rule)[name] for name, values in scores.items()}


def keep_at_least(kept: Kept, scores: Scores, least: dict[str, int]) -> Kept:
    """Give channels back to layers that keep fewer than ``least[name]``, the highest scores first."""
    return {
        name: ~lowest(scores[name], keep.numel() - least[name]) if int(keep.sum()) < least[name] else keep
        for name, keep in kept.items()
    }


def rounded_up(count: int, multiple: int, width: int) -> int:
    """Return the next multiple of ``multiple`` from ``count`` up, at most the layer's ``width``."""
    return min(width, -(-count // multiple) * multiple)
