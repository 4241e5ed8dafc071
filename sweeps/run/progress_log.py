"""What MLflow is told of a sweep while it runs: how many trials are done, and the front's hypervolume by then."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import pandas as pd

from sweeps.plan.plan import Plan
from sweeps.tracking.journal import append_to_journal, read_journal
from sweeps.tracking.parent import ProgressRow
from sweeps.tracking.progress import REFERENCE_TAG, axes, counts, reference_text, volumes
from sweeps.tracking.tracker import Tracker


class ProgressLog:
    """Writes the journal of the folder, from which MLflow's curves can be made again, and sends it.

    Args:
        plan: what there should be.
        out: the output folder.
        tracker: MLflow.
        records: returns the table as it is now.
    """

    def __init__(self, plan: Plan, out: Path, tracker: Tracker, records: Callable[[], pd.DataFrame]) -> None:
        self._plan, self._out, self._tracker, self._records = plan, out, tracker, records
        self._volume_due = 0.0
        self._said_last: tuple[Mapping[str, object], int, Mapping[str, str]] | None = None

    def start(self) -> None:
        """Hand over what earlier runs wrote down."""
        journal = read_journal(self._out)
        self._said_last = (journal[-1].metrics, journal[-1].step, journal[-1].tags) if journal else None
        self._tracker.log_progress(*journal)

    def note(
        self, ended: Mapping[str, str], planned: Callable[[], Collection[object]], records: pd.DataFrame | None = None
    ) -> None:
        """Tell MLflow how many trials are done, and the hypervolume as often as a twentieth of the driver's time allows.

        Args:
            ended: key -> final status of every trial that has one.
            planned: returns every trial that is known by now; asked only now and then, since that looks at all of them.
            records: the table at the end of a run: then the hypervolume is told whatever it takes.
        """
        study, numbers = self._plan.study, counts(ended.values())
        tags: dict[str, str] = {}
        started = time.monotonic()
        if records is not None or started >= self._volume_due:
            numbers["trials_planned"] = float(len(planned()))
            baselines = {trial.key for trial in self._plan.trials if trial.kind == "baseline"}
            if baselines <= set(ended):
                table = records if records is not None else self._records()
                found = axes(study.decisive, table)
                numbers |= volumes(study, table, found) if found else {}
                tags = {REFERENCE_TAG: reference_text(found)} if found else {}
            self._volume_due = time.monotonic() + 20 * (time.monotonic() - started)
        said = (numbers, len(ended), tags)
        if said != self._said_last:
            self._said_last = said
            row = ProgressRow(numbers, len(ended), time.time(), tags)
            append_to_journal(self._out, row)
            self._tracker.log_progress(row)
