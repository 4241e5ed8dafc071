"""Which fields of a recipe have an influence: said by the rates of every step that is taken."""

from __future__ import annotations

import pytest

from prune_core.base.recipe import Recipe
from prune_core.training.schedule import learning_rate

EPOCHS, STEPS = 6, 3


def rates(recipe: Recipe) -> list[float]:
    return [learning_rate(recipe, epoch, step, STEPS) for epoch in range(EPOCHS) for step in range(STEPS)]


@pytest.mark.parametrize(
    ("recipe", "as_if"),
    [
        (Recipe(EPOCHS, gamma=0.5), Recipe(EPOCHS)),
        (Recipe(EPOCHS, schedule="cosine", gamma=0.5), Recipe(EPOCHS, schedule="cosine")),
        (Recipe(EPOCHS, schedule="step", gamma=0.5), Recipe(EPOCHS)),
        (Recipe(EPOCHS, schedule="step", milestones=(6, 0.99)), Recipe(EPOCHS)),
        (Recipe(EPOCHS, schedule="step", milestones=(3, 9)), Recipe(EPOCHS, schedule="step", milestones=(3,))),
    ],
)
def test_what_moves_no_rate_is_left_out(recipe: Recipe, as_if: Recipe) -> None:
    assert recipe.effective(whole=True) == as_if
    assert rates(recipe) == rates(as_if)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(EPOCHS, schedule="step", milestones=(5,), gamma=0.5),
        Recipe(EPOCHS, schedule="step", milestones=(0.5,)),
        Recipe(EPOCHS, schedule="cosine", warmup_epochs=2, nesterov=True, augmentation="shift", label_smoothing=0.1),
    ],
)
def test_what_moves_a_rate_stays(recipe: Recipe) -> None:
    assert recipe.effective(whole=True) == recipe


def test_a_milestone_stays_where_the_length_is_said_elsewhere() -> None:
    recipe = Recipe(schedule="step", milestones=(30.0,))
    assert recipe.effective(whole=False) == recipe
