"""What a search may ask for, and what it has asked for in an output folder: read without Optuna."""

from __future__ import annotations

import json
from pathlib import Path

from prune_core.base.errors import BadInput
from prune_core.base.files import read_json, write_json
from sweeps.folder.paths import ASKED, OPTUNA_DATABASE
from sweeps.folder.sqlite import read_texts
from sweeps.plan.plan import Plan
from sweeps.search.space import KEY, ArmSpace, Candidate, Space, Span


def space_of(plan: Plan) -> Space:
    """Return what a search of this study may choose from."""
    study = plan.study
    rate = study.search.learning_rate
    axes = {"learning_rate": Span(rate[0], rate[1], log=True)} if rate is not None else {}
    # with early stopping a candidate walks up the budgets, so that they are nothing to choose from
    walks = study.search.early_stopping is not None
    budgets, walked = ((), study.budgets) if walks else (study.budgets, ())
    return Space(
        tuple(
            ArmSpace(arm.name, arm.ratios, arm.reached(budgets), axes, arm.parts, arm.reached(walked)) for arm in plan.arms
        )
    )


def asked_before(out: Path) -> list[Candidate]:
    """Return the candidates that earlier runs in this folder have asked for; Optuna's file says it where ours is damaged.

    Raises:
        BadInput: the file is damaged, and Optuna's books are elsewhere.
    """
    path = out / ASKED
    try:
        return [Candidate.from_key(key) for key in read_json(path)]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, AttributeError):
        query = "select distinct value_json from trial_user_attributes where key = ?"
        keys = sorted(json.loads(text) for text in read_texts(out / OPTUNA_DATABASE, query, KEY))
    if not keys:
        raise BadInput(
            f"{path}: damaged, so it is not known what the search has asked for (allowed: restore it from a backup, or "
            "remove it: then the search asks anew, and what it asks for again is not run again)"
        )
    return [Candidate.from_key(key) for key in keys]


def remember_asked(out: Path, candidates: list[Candidate]) -> None:
    """Write down the candidates that were asked for, before their trials start."""
    write_json(out / ASKED, sorted({candidate.key for candidate in candidates}))
