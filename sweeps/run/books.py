"""The driver's books: records, front, MLflow and Optuna, all brought in line with the trials' folders."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from prune_core.base.files import write_json
from prune_core.base.kinds import BASELINE
from prune_core.base.trial_folder import (
    FAILED,
    OUTCOME,
    finished_budgets,
    read_outcome,
)
from prune_core.metrics.numbers import counted
from sweeps.folder.columns import write_columns
from sweeps.folder.paths import ASKED, FRONT, MORE_SEEDS, RECORDS, RECORDS_CSV, STUDY, trial_folder
from sweeps.folder.provenance import provenance
from sweeps.front.tables import write_tables
from sweeps.front.text import FrontTable
from sweeps.plan.plan import Plan
from sweeps.plan.state import baseline_failure, final_status
from sweeps.plan.trials import PlannedTrial
from sweeps.plan.written import write_plan
from sweeps.records.collect import collect
from sweeps.run.answers import write_answers
from sweeps.run.front_text import recommended_lines, study_front, study_limits
from sweeps.run.opening import tracker_of, write_study
from sweeps.run.progress_log import ProgressLog
from sweeps.run.run_notes import RunNotes
from sweeps.run.thinning import thin
from sweeps.run.troubles import baselines, doubts, failures, softmax_twice, warning_lines
from sweeps.search.asked import asked_before, remember_asked, space_of
from sweeps.search.early_stopping import forget_other_rules
from sweeps.search.feed import CandidateFeed
from sweeps.search.more_seeds import decide, decided_trials, extra_trials, forget_other_decision
from sweeps.search.optuna_study import OptunaBooks
from sweeps.search.search import Proposer
from sweeps.search.setup import make_proposer, open_books, stopping_rule, told_columns
from sweeps.search.space import Space
from sweeps.study.model import Study
from sweeps.tracking.about import study_images
from sweeps.tracking.names import RunNames
from sweeps.tracking.tracker import Tracker
from sweeps.tracking.trials import TrialEntries


class Books:
    """What is written down about a study while it runs; only the driver writes it. `Books.open` makes it.

    Args:
        study: the study.
        plan: what there should be.
        out: the output folder, absolute.
        tracker: MLflow.
        proposer: the search.
        rows: Optuna's books.
    """

    def __init__(
        self,
        study: Study,
        plan: Plan,
        out: Path,
        *,
        tracker: Tracker,
        proposer: Proposer,
        rows: OptunaBooks,
    ) -> None:
        self._study, self._plan, self._out = study, plan, out
        self._tracker, self._proposer = tracker, proposer
        self._run_notes = RunNotes(rows, tracker, lambda: self.feed.members)
        self._entries = TrialEntries(
            out, self.trials, RunNames(plan.arms, study.dense), study.budgets[-1], study_images(plan)
        )
        self._ended: dict[str, str] = {}
        self._extra: list[PlannedTrial] = []
        self._table: pd.DataFrame | None = None
        self._progress = ProgressLog(plan, out, tracker, self._records)
        self.feed = CandidateFeed(
            plan,
            proposer,
            out,
            told_columns(study),
            self._remember,
            rule=stopping_rule(study),
            on_stopped=self._stopped,
        )

    @classmethod
    def open(cls, study: Study, plan: Plan, out: Path) -> Books:
        """Write ``study.yaml``, open Optuna's storage, and take in what earlier runs in the folder have asked for.

        Nothing is sent to MLflow before `start`.

        Raises:
            BadInput: MLflow or Optuna cannot be used as the study says.
            OSError: the folder cannot be written.
        """
        origin = provenance()
        if plan.data is not None:
            origin["data"] = plan.data.to_plain()  # for who reads the folder without the images
        write_study(study, out, origin)
        write_columns(out)
        space = space_of(plan)
        rows = open_books(study, space, out)
        proposer = make_proposer(study, space, rows, plan.data)
        tracker = tracker_of(plan, out, origin)
        forget_other_rules(out, stopping_rule(study))
        forget_other_decision(study, out)
        books = cls(study, plan, out, tracker=tracker, proposer=proposer, rows=rows)
        books._take_in(space)
        write_plan(plan, out, books.trials())
        return books

    def _take_in(self, space: Space) -> None:
        """Know again the trials that earlier runs asked for: of the search, and of the extra seeds."""
        self._extra = decided_trials(self._plan, self._out)
        known = list(space.candidates()) if space.size is not None else []
        self.feed.reconcile([*known, *(each for each in asked_before(self._out) if each not in known)])
        if self._out.joinpath(ASKED).exists():
            self._remember()  # what was damaged is whole again

    def trials(self) -> list[PlannedTrial]:
        """Return every trial of the study as far as it is known by now, each once, with all its budgets."""
        return list(self._plan.with_trials([*self.feed.trials, *self._extra]).trials)

    def more_seeds(self) -> list[PlannedTrial] | None:
        """Decide, once all trials of the study's own seeds have ended, who gets the extra seeds; return those trials.

        None while one has not: it was interrupted, the next run goes on with it and decides.
        """
        own = list(self._plan.with_trials(self.feed.trials).trials)
        if any(final_status(trial, self._out) is None for trial in own):
            return None
        self._extra = extra_trials(self._plan, decide(self._plan, self._out, own, self.feed.members))
        self._write_plan()
        return self._extra

    def baseline_failure(self, key: str) -> str | None:
        """Return why a baseline cannot be had, or None."""
        besides = [*self._extra, *self.feed.extra_seeds]
        return baseline_failure(self._plan.trials, key, self._out) or baseline_failure(besides, key, self._out)

    def start(self) -> None:
        """Connect to MLflow in the background and hand over what is finished already."""
        self._tracker.start()
        states = {trial.key: final_status(trial, self._out) for trial in self.trials()}
        self._ended = {key: status for key, status in states.items() if status is not None}
        self._progress.start()
        self._entries.place(self._out / FRONT)
        self.catch_up()

    def catch_up(self) -> None:
        """Hand over to MLflow whatever is finished; what is there already, and the same, is not sent again."""
        self._tracker.reconcile(entry for trial in self.trials() if (entry := self._entries.of(trial)) is not None)

    def trial_ended(self, trial: PlannedTrial, error: str | None) -> str | None:
        """Read what a trial left in its folder and write it into the books; return its final status, if it has one."""
        folder = trial_folder(self._out, trial.key)
        if error is not None and read_outcome(folder) is None:
            lost = {
                "status": FAILED,
                "cause": f"its worker was lost again and again: {error}",
                "budgets": finished_budgets(folder),
            }
            write_json(folder / OUTCOME, {**lost, "key": trial.key})
        status = final_status(trial, self._out)
        if status is not None:
            for each in (trial, *self._entries.changed_by(trial)):
                entry = self._entries.of(each)
                if entry is not None:
                    self._tracker.log_trial(entry)
            self._ended[trial.key] = status
            self._progress.note(self._ended, self.trials)
            self._run_notes.note()
        return status

    def _stopped(self, trials: Iterable[PlannedTrial]) -> None:
        for trial in trials:
            entry = self._entries.of(trial)
            if entry is not None:
                self._tracker.log_trial(entry)

    def _remember(self) -> None:
        self._write_plan()
        if self._study.search.kind != "grid":
            remember_asked(self._out, self.feed.candidates)

    def write_answers(self) -> None:
        """Write down what ``status`` says of the tables, of a study without plugins."""
        if not self._study.plugins:
            write_answers(self._plan, self._out)

    def _write_plan(self) -> None:
        if self._study.plugins:  # any other study is written once, as it was planned
            write_plan(self._plan, self._out, self.trials())

    def front(self) -> FrontTable:
        """Return the front so far as text."""
        return study_front(self._study, self._records())

    def answer_lines(self) -> list[str]:
        """Return what to take and how to export it, and who meets the study's limits, or why nobody does."""
        records = self._records()
        return [*recommended_lines(self._study, records, self._out), *study_limits(self._study, records)]

    def write_tables(self) -> None:
        """Write the tables of records and of the front."""
        records = self._table = collect(self._out, self.trials(), study=self._study.name, run_ids=self._tracker.run_ids())
        study = self._study
        write_tables(
            self._out,
            records,
            study.objectives,
            select_on=study.select_on,
            seeds=study.seeds,
            limits=study.parsed_limits,
        )
        self._progress.note(self._ended, self.trials, records)
        self._log_places()
        self._run_notes.note(now=True)

    def _log_places(self) -> None:
        """Tell MLflow who is on the front now, or no longer: a few runs change."""
        moved = set(self._entries.place(self._out / FRONT))
        self._tracker.reconcile(
            entry for trial in self.trials() if trial.key in moved and (entry := self._entries.of(trial)) is not None
        )

    def settle(self, limit_s: float) -> None:
        """Wait until MLflow has what was handed over, so many seconds at most: the tables name its runs."""
        self._tracker.flush(limit_s=limit_s)

    @property
    def all_tracked(self) -> bool:
        """Whether everything that was handed over is in MLflow."""
        return self._tracker.problem is None

    def thin(self) -> list[str]:
        """Remove the weights and logits that the study does not keep; return what the user is told."""
        thinned = thin(self._study, self._out, self.trials(), self._records())
        gone = (
            [f"keep: {self._study.keep}; {counted(thinned.gone, 'file')} of weights and logits removed"]
            if thinned.gone
            else []
        )
        return [*gone, *([thinned.problem] if thinned.problem is not None else [])]

    def finish(self, status: str, report: Path | None) -> None:
        """Send what is left to MLflow, and the tables with it."""
        names = [self._out / name for name in (STUDY, RECORDS, RECORDS_CSV, FRONT, MORE_SEEDS)]
        files = [path for path in [*names, *([report.parent] if report is not None else [])] if path.exists()]
        limit_s = 120.0 if status == "FINISHED" else 3.0
        self._tracker.finish(status, files, limit_s=limit_s, trials=[trial.key for trial in self.trials()])

    def problems(self) -> list[str]:
        """Return what could not be written into MLflow or Optuna, and why the search ended early, a line each."""
        search = (getattr(self._proposer, name, None) for name in ("problem", "note"))
        return list(dict.fromkeys(each for each in (self._tracker.problem, *search, self._run_notes.problem) if each))

    def warnings(self) -> list[str]:
        """Return what makes the numbers of the unpruned networks doubtful, a line each."""
        return warning_lines([*softmax_twice(self._plan, self._out), *doubts(self._plan, self._out, baselines(self._plan))])

    def doubts_after(self, trial: PlannedTrial) -> list[str]:
        """Return what is doubtful about an unpruned network, once its last seed has ended with this trial."""
        own = [each for each in baselines(self._plan) if each.arm == trial.arm]
        if trial.kind != BASELINE or any(each.key not in self._ended for each in own):
            return []
        return warning_lines(doubts(self._plan, self._out, own))

    def failures(self) -> list[tuple[str, str, str]]:
        """Return (name, status, cause) of every trial that failed or diverged."""
        return failures(self.trials(), self._out)

    def _records(self) -> pd.DataFrame:
        """Return the table as it is now; after `write_tables` no trial adds to it."""
        return self._table if self._table is not None else collect(self._out, self.trials(), study=self._study.name)
