"""What a study asks of its search, checked against the rest of the study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prune_core.base.errors import BadInput
from prune_core.base.recipe import Recipe
from sweeps.samplers import SAMPLERS
from sweeps.stopping_rules import choose_rule
from sweeps.study.errors import naming_key
from sweeps.study.options import recipe_of
from sweeps.study.search_sections import SearchSection

if TYPE_CHECKING:
    from sweeps.study.model import Study


def checked_search(study: Study) -> SearchSection:
    """Return what the study asks of its search, checked, in its one form.

    Raises:
        BadInput: one line with the key, and what is allowed.
    """
    if study.search.kind == "grid" and study.search.learning_rate is not None:
        raise BadInput("search.learning_rate: a grid searches no range (allowed: kind random or optuna)")
    if study.search.until is not None and study.search.kind != "optuna":
        raise BadInput("search.until: only a search by Optuna estimates what is left to gain (allowed: kind optuna)")
    if study.search.gain == "cost" and study.search.kind != "optuna":
        raise BadInput("search.gain: only a search by Optuna weighs what trials cost (allowed: kind optuna)")
    with naming_key("search.sampler"):
        SAMPLERS.get(study.search.sampler)
    _check_early_stopping(study)
    _check_more_seeds(study)
    setting = study.search.early_stopping
    if setting is None:
        return study.search
    with naming_key("search.early_stopping"):
        return study.search.model_copy(update={"early_stopping": choose_rule(setting).setting()})


def _check_more_seeds(study: Study) -> None:
    rule = study.search.more_seeds
    if rule is None:
        return
    where = "search.more_seeds"
    if rule.when == "compete" and (study.search.kind != "optuna" or study.search.batch is None):
        raise BadInput(f"{where}.when: compete needs a search by Optuna in batches (allowed: kind optuna with batch)")
    if rule.when == "compete" and study.search.early_stopping is not None:
        raise BadInput(f"{where}.when: with early stopping no seeds compete (allowed: end, or early_stopping: null)")
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
