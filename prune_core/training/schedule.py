"""The learning rate as a pure function of where the training is."""

from __future__ import annotations

import math

from prune_core.base.recipe import Recipe, boundary


def learning_rate(recipe: Recipe, epoch: int, step: int, steps_per_epoch: int) -> float:
    """Return the rate of one step.

    Args:
        recipe: the schedule, and ``epochs``, the length it may refer to.
        epoch: 0-based.
        step: 0-based, within the epoch.
        steps_per_epoch: at least 1.
    """
    done = epoch + step / steps_per_epoch
    rate = recipe.learning_rate
    if recipe.schedule == "step":
        # By division: 0.1, 0.01, 0.001 as they are written; products of floats drift in the last place.
        passed = sum(epoch >= boundary for boundary in boundaries(recipe))
        rate = rate / (1 / recipe.gamma) ** passed if passed else rate
    elif recipe.schedule == "cosine":
        rate *= 0.5 * (1.0 + math.cos(math.pi * min(1.0, done / max(recipe.epochs, 1))))
    if done < recipe.warmup_epochs:
        rate *= (done + 1 / steps_per_epoch) / (recipe.warmup_epochs + 1 / steps_per_epoch)
    return rate


def boundaries(recipe: Recipe) -> list[int]:
    """Return the 0-based epochs at whose start the rate drops: fractions of ``epochs`` are rounded up."""
    return [boundary(milestone, recipe.epochs) for milestone in recipe.milestones]
