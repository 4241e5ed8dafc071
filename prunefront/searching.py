"""A study's search by ask and tell, without Ray: for who runs the trials in another way, or studies the search itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sweeps.plan.plan import Plan, make_plan
from sweeps.search.asked import space_of
from sweeps.search.search import Proposer
from sweeps.search.setup import make_proposer, open_books, told_columns
from sweeps.search.space import Candidate, Space
from sweeps.study.model import Study


class Search:
    """What a study would try next; `search` makes it.

    Args:
        plan: what the study asks for.
        space: what may be chosen.
        proposer: the search of the study.
    """

    def __init__(self, plan: Plan, space: Space, proposer: Proposer) -> None:
        self._plan, self._space, self._proposer = plan, space, proposer

    @property
    def columns(self) -> tuple[str, ...]:
        """What `tell` needs of every candidate: the columns of the objectives and of the limits."""
        return tuple(told_columns(self._plan.study))

    @property
    def candidates(self) -> list[Candidate]:
        """Every candidate that may be chosen.

        Raises:
            BadInput: the space has an axis without steps (a range of learning rates).
        """
        return list(self._space.candidates())

    def ask(self, count: int = 1) -> list[Candidate]:
        """Return up to ``count`` candidates to try now: fewer when it waits for results, or has nothing left.

        No candidate is handed out twice.
        """
        return self._proposer.next(count)

    def tell(self, candidate: Candidate, values: Mapping[str, float] | None) -> None:
        """Say what a candidate measured.

        Args:
            candidate: one that `ask` returned.
            values: the mean over its seeds of each of `columns`; None for a candidate that failed.
        """
        self._proposer.tell(candidate, values, "failed" if values is None else "complete")

    @property
    def done(self) -> bool:
        """Whether nothing more will be proposed."""
        return self._proposer.done


def search(study: Study, folder: str | os.PathLike[str]) -> Search:
    """Return the search that a study asks for (a grid, a random part of it, Optuna's or our own sampler), by ask and tell.

    Args:
        study: the study; `prunefront.load_study` reads one.
        folder: where its ``optuna.db`` goes, unless the study names another place; made if it is not there. Not the output
            folder of a run, whose books the run alone writes.
    """
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    plan = make_plan(study, None, data_required=False)
    space = space_of(plan)
    proposer = make_proposer(study, space, open_books(study, space, place), plan.data)
    proposer.reconcile({})
    return Search(plan, space, proposer)
