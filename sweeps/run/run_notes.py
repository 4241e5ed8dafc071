"""What Optuna's rows are told of MLflow: which runs a candidate has there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from sweeps.plan.trials import PlannedTrial
from sweeps.search.optuna_study import OptunaBooks
from sweeps.search.space import Candidate
from sweeps.tracking.tracker import Tracker

SECONDS = 60.0
"""How often it is looked which runs have become known: MLflow is written in a thread, some time after a trial ended."""


class RunNotes:
    """Writes the runs of candidates into their rows.

    Args:
        rows: Optuna's books.
        tracker: MLflow.
        members: returns every candidate that is known, with its trials, one per seed.

    Attributes:
        problem: one line when the rows could not be written; the next start does it.
    """

    def __init__(
        self,
        rows: OptunaBooks,
        tracker: Tracker,
        members: Callable[[], Iterable[tuple[Candidate, Sequence[PlannedTrial]]]],
    ) -> None:
        self._rows, self._tracker, self._members = rows, tracker, members
        self._due = 0.0
        self.problem: str | None = None

    def note(self, *, now: bool = False) -> None:
        """Write what is known by now, if it is time."""
        if not now and time.monotonic() < self._due:
            return
        ids = self._tracker.run_ids()
        runs = {
            candidate.key: [ids[trial.key] for trial in trials]
            for candidate, trials in self._members()
            if all(trial.key in ids for trial in trials)
        }
        self.problem = self._rows.attempt(lambda: self._rows.note_runs(runs))
        self._due = time.monotonic() + SECONDS
