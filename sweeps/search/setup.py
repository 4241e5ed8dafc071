"""From a study to its search: the space, Optuna's books, the proposer, and the candidates that a folder already holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sweeps.plan.data_facts import DataFacts
from sweeps.search.beforehand import Beforehand
from sweeps.search.early_stopping import Rule
from sweeps.search.optuna_search import OptunaSearch
from sweeps.search.optuna_study import OptunaBooks
from sweeps.search.price import Price
from sweeps.search.search import GridSearch, Proposer, RandomSearch
from sweeps.search.space import Space
from sweeps.stopping_rules import choose_rule
from sweeps.study.model import Study


def told_columns(study: Study) -> list[str]:
    """Return the columns that a search is told: the objectives that decide, and those of the limits."""
    return list(dict.fromkeys([*study.decisive, *(limit.column for limit in study.parsed_limits)]))


def stopping_rule(study: Study) -> Rule | None:
    """Return the study's rule of early stopping, or None when it has none."""
    setting = study.search.early_stopping
    if setting is None:
        return None
    return Rule(choose_rule(setting), dict(study.decisive), tuple(told_columns(study)), study.budgets)


def open_books(study: Study, space: Space, out: Path) -> OptunaBooks:
    """Return the study in Optuna's storage, made when it is not there."""
    return OptunaBooks(
        study.name,
        out,
        study.tracking.optuna,
        space=space,
        objectives=list(study.decisive.items()),
        limits=[(limit.column, limit.comparison, limit.value) for limit in study.parsed_limits],
        early_stopping=_rule_text(study.search.early_stopping),
        to_look_at=study.search.kind != "optuna",
    )


def _rule_text(setting: float | dict[str, Any] | None) -> str | None:
    return json.dumps(setting, sort_keys=True) if isinstance(setting, dict) else None if setting is None else str(setting)


def make_proposer(study: Study, space: Space, books: OptunaBooks, data: DataFacts | None = None) -> Proposer:
    """Return the search that the study asks for; ``data`` is what its plan knows of the images."""
    search = study.search
    if search.kind == "optuna":
        return OptunaSearch(
            books,
            search.candidates,
            search.seed,
            sampler=search.sampler,
            batch=search.batch,
            together=search.early_stopping is not None,
            costs=Beforehand(study, told_columns(study), data),
            until=None if search.until is None else search.until.expected_gain,
            price=Price(study, data) if search.gain == "cost" else None,
        )
    if search.kind == "random":
        return RandomSearch(space, search.candidates, search.seed, books)
    return GridSearch(space.candidates(), books)
