"""The driver's books: records, front, MLflow and Optuna, all brought in line with the trials' folders."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
import yaml

from prune_core.base.files import write_atomically, write_json
from prune_core.base.trial_folder import FAILED, OUTCOME, finished_budgets, read_outcome
from sweeps.folder.columns import write_columns
from sweeps.folder.provenance import provenance
from sweeps.front.tables import write_tables
from sweeps.front.text import front_rows
from sweeps.plan.plan import Plan
from sweeps.plan.state import baseline_failure, final_status, trial_folder
from sweeps.plan.trials import PlannedTrial
from sweeps.records.collect import collect
from sweeps.run.thinning import Thinned, thin
from sweeps.search.early_stopping import forget_other_rules
from sweeps.search.feed import CandidateFeed
from sweeps.search.more_seeds import DECISION, decide, decided_trials, extra_trials, forget_other_decision
from sweeps.search.setup import (
    asked_before,
    make_proposer,
    open_books,
    remember_asked,
    space_of,
    stopping_rule,
    told_columns,
)
from sweeps.study.model import Study
from sweeps.tracking.journal import write_down, written_down
from sweeps.tracking.parent import Progress
from sweeps.tracking.progress import REFERENCE_TAG, axes, counts, reference_text, volumes
from sweeps.tracking.tracker import Tracker
from sweeps.tracking.trials import TrialEntries


class Books:
    """What is written down about a study while it runs; only the driver writes it.

    Args:
        study: the study.
        plan: what there should be.
        out: the output folder, absolute.
    """

    def __init__(self, study: Study, plan: Plan, out: Path) -> None:
        self.study, self.plan, self.out = study, plan, out
        origin = provenance()
        text = yaml.safe_dump({**study.to_plain(), "provenance": origin}, sort_keys=False, allow_unicode=True)
        path = out / "study.yaml"
        self._study_changed = not path.exists() or path.read_text(encoding="utf-8") != text
        write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
        write_columns(out)
        space = space_of(plan)
        self.optuna = open_books(study, space, out)
        self.proposer = make_proposer(study, space, self.optuna)
        self.tracker = Tracker(
            study.name,
            out,
            study.tracking.mlflow,
            study.tracking.experiment or (study.project if study.project != "prunefront" else None),
            {**study.tracking.tags, "prunefront.project": study.project, "prunefront.data": study.data.name},
            also=list(study.decisive),
            commit=str(origin["commit"]) if origin["commit"] else None,
        )
        self.entries = TrialEntries(out, self.trials)
        self._ended: dict[str, str] = {}
        self._volume_due = 0.0
        self._said_last: tuple[Mapping[str, object], int, Mapping[str, str]] | None = None
        rule = stopping_rule(study)
        forget_other_rules(out, rule)
        self.feed = CandidateFeed(
            plan, self.proposer, out, told_columns(study), self._remember, rule=rule, on_stopped=self._stopped
        )
        forget_other_decision(study, out)
        self._extra = decided_trials(plan, out)
        known = list(space.candidates()) if space.size is not None else []
        self.feed.reconcile([*known, *(each for each in asked_before(out) if each not in known)])

    def trials(self) -> list[PlannedTrial]:
        """Return every trial of the study as far as it is known by now, each once, with all its budgets."""
        return list(self.plan.with_trials([*self.feed.trials, *self._extra]).trials)

    def more_seeds(self) -> list[PlannedTrial] | None:
        """Decide, once all trials of the study's own seeds have ended, who gets the extra seeds; return those trials.

        None while one has not: it was interrupted, the next run goes on with it and decides.
        """
        own = list(self.plan.with_trials(self.feed.trials).trials)
        if any(final_status(trial, self.out) is None for trial in own):
            return None
        self._extra = extra_trials(self.plan, decide(self.plan, self.out, own, self.feed.members))
        return self._extra

    def baseline_failure(self, key: str) -> str | None:
        """Return why a baseline cannot be had, or None."""
        return baseline_failure(self.plan.trials, key, self.out) or baseline_failure(self._extra, key, self.out)

    def start(self) -> None:
        """Connect to MLflow in the background and hand over what is finished already."""
        self.tracker.start()
        states = {trial.key: final_status(trial, self.out) for trial in self.trials()}
        self._ended = {key: status for key, status in states.items() if status is not None}
        journal = written_down(self.out)
        self._said_last = (journal[-1].metrics, journal[-1].step, journal[-1].tags) if journal else None
        self.tracker.log_progress(*journal)
        self.catch_up()

    def catch_up(self) -> None:
        """Hand over to MLflow whatever is finished; what is there already, and the same, is not sent again."""
        self.tracker.reconcile(entry for trial in self.trials() if (entry := self.entries.of(trial)) is not None)

    def trial_ended(self, trial: PlannedTrial, error: str | None) -> str | None:
        """Read what a trial left in its folder and write it into the books; return its final status, if it has one."""
        folder = trial_folder(self.out, trial.key)
        if error is not None and read_outcome(folder) is None:
            lost = {
                "status": FAILED,
                "cause": f"its worker was lost again and again: {error}",
                "budgets": finished_budgets(folder),
            }
            write_json(folder / OUTCOME, {**lost, "key": trial.key})
        status = final_status(trial, self.out)
        if status is not None:
            for each in (trial, *self.entries.changed_by(trial)):
                entry = self.entries.of(each)
                if entry is not None:
                    self.tracker.log_trial(entry)
            self._ended[trial.key] = status
            self._log_progress()
        return status

    def _log_progress(self, records: pd.DataFrame | None = None) -> None:
        """Tell MLflow how many trials are done, and the hypervolume as often as a twentieth of the driver's time allows."""
        numbers = counts(self._ended.values())
        tags: dict[str, str] = {}
        started = time.monotonic()
        if records is not None or started >= self._volume_due:
            numbers["trials_planned"] = float(len(self.trials()))
            baselines = {trial.key for trial in self.plan.trials if trial.kind == "baseline"}
            if baselines <= set(self._ended):
                table = records if records is not None else self._records()
                found = axes(self.study.decisive, table)
                numbers |= volumes(self.study, table, found) if found else {}
                tags = {REFERENCE_TAG: reference_text(found)} if found else {}
            self._volume_due = time.monotonic() + 20 * (time.monotonic() - started)
        said = (numbers, len(self._ended), tags)
        if said != self._said_last:
            self._said_last = said
            row = Progress(numbers, len(self._ended), time.time(), tags)
            write_down(self.out, row)
            self.tracker.log_progress(row)

    def _stopped(self, trials: Iterable[PlannedTrial]) -> None:
        for trial in trials:
            entry = self.entries.of(trial)
            if entry is not None:
                self.tracker.log_trial(entry)

    def _remember(self) -> None:
        if self.study.search.kind != "grid":
            remember_asked(self.out, self.feed.candidates)

    def front_rows(self) -> tuple[list[tuple[str, ...]], str]:
        """Return the front so far as rows of text, and the line below them."""
        return front_rows(self._records(), self.study.decisive, self.study.seeds)

    def write_tables(self) -> bool:
        """Write the tables of records and of the front; return whether they, or the study, say anything new."""
        before = self._said()
        records = self._records(self.tracker.run_ids())
        study = self.study
        write_tables(self.out, records, study.objectives, select_on=study.select_on, seeds=study.seeds)
        self._log_progress(records)
        return self._said() != before or self._study_changed

    def _said(self) -> list[bytes]:
        return [path.read_bytes() for name in ("records.parquet", "front.csv") if (path := self.out / name).exists()]

    def thin(self) -> Thinned:
        """Remove the weights and logits that the study does not keep."""
        return thin(self.study, self.out, self.trials(), self._records())

    def finish(self, status: str, report: Path | None) -> None:
        """Send what is left to MLflow, and the tables with it."""
        names = [self.out / name for name in ("study.yaml", "records.parquet", "records.csv", "front.csv", DECISION)]
        files = [path for path in [*names, *([report.parent] if report is not None else [])] if path.exists()]
        self.tracker.finish(status, files, limit_s=120.0 if status == "FINISHED" else 3.0)

    def problems(self) -> list[str]:
        """Return what could not be written into MLflow or Optuna, a line each; the next start brings it in line."""
        return [each for each in (self.tracker.problem, getattr(self.proposer, "problem", None)) if each]

    def failures(self) -> list[tuple[str, str, str]]:
        """Return (name, status, cause) of every trial that failed or diverged."""
        found = []
        for trial in self.trials():
            outcome = read_outcome(trial_folder(self.out, trial.key))
            if outcome is not None and outcome["status"] in ("failed", "diverged"):
                found.append((trial.name, str(outcome["status"]), str(outcome.get("cause"))))
        return found

    def _records(self, run_ids: dict[str, str] | None = None) -> pd.DataFrame:
        return collect(self.out, self.trials(), study=self.study.name, run_ids=run_ids)


def lines_of(failures: Iterable[tuple[str, str, str]], most: int = 10) -> list[str]:
    """Return the failures as lines, the first ``most`` of them."""
    found = list(failures)
    lines = [f"  {name}: {status}: {cause}" for name, status, cause in found[:most]]
    if len(found) > most:
        lines.append(f"  and {len(found) - most} more: see records.csv")
    return [f"{len(found)} trials failed or diverged:", *lines] if found else []
