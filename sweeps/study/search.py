"""What a study asks of its search, checked against the rest of the study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prune_core.base.errors import BadInput
from prune_core.training import Recipe
from sweeps.study.options import recipe_of

if TYPE_CHECKING:
    from sweeps.study.model import Study


def check_search(study: Study) -> None:
    """Check that the search can do what the study asks for.

    Raises:
        BadInput: one line with the key, and what is allowed.
    """
    if study.search.kind == "grid" and study.search.learning_rate is not None:
        raise BadInput("search.learning_rate: a grid searches no range (allowed: kind random or optuna)")
    _check_early_stopping(study)
    _check_more_seeds(study)


def _check_more_seeds(study: Study) -> None:
    rule = study.search.more_seeds
    if rule is None:
        return
    where = "search.more_seeds"
    if len(study.seeds) < 2:
        raise BadInput(f"{where}: with one seed no place can be called uncertain (allowed: at least two seeds)")
    twice = [str(seed) for seed in rule.seeds if seed in study.seeds]
    if twice:
        raise BadInput(
            f"{where}.seeds: {', '.join(twice)} is among the study's seeds {list(study.seeds)} (allowed: other seeds)"
        )


def _check_early_stopping(study: Study) -> None:
    search = study.search
    if search.early_stopping is None:
        return

    where = "search.early_stopping"
    if len(study.budgets) < 2:
        raise BadInput(f"{where}: there is one budget, so nothing to stop at (allowed: at least two budgets)")
    if search.kind == "optuna" and (search.batch or 0) < 2:
        raise BadInput(f"{where}: candidates are compared within a batch (allowed: search.batch from 2)")
    for position, arm in enumerate(study.arms):
        if Recipe.from_dict(recipe_of({**study.fine_tuning, **arm.fine_tuning})).depends_on_length:
            raise BadInput(
                f"{where}: as arms.{position} is fine-tuned, a short budget is no beginning of a longer one (allowed: a "
                "fine_tuning.schedule that does not depend on the length)"
            )
