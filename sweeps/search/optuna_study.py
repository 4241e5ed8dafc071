"""The study in Optuna's storage, one row per candidate, written by the driver alone and readable in optuna-dashboard.

Rows are never asked from the storage: the proposer decides, and a row appears in one transaction with its parameters and
the tag ``prunefront.candidate``. So a kill leaves at worst an open row, which `reconcile` closes or hands out again.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeps.folder.identity import study_uid
from sweeps.samplers import SEEDS
from sweeps.search.competition import More
from sweeps.search.measured import Measured
from sweeps.search.optuna_opening import study_in
from sweeps.search.parameters import Parameters, excess, limit_name
from sweeps.search.row_numbers import along_the_way, with_means
from sweeps.search.space import KEY, Candidate, Space
from sweeps.search.storage import failure_of, in_one_line, open_storage

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

ASKED = "prunefront.asked"
STOPPED_AT = "prunefront.stopped_at"
"""The objectives of a candidate that was stopped early, at the budget where it was."""
RUNS = "mlflow.runs"
"""The attribute of a row that names the candidate's runs in MLflow, one per seed."""

Objectives = Sequence[tuple[str, str]]
"""(column, ``min`` or ``max``), the column as it is told, so usually a ``val_`` one."""

Limits = Sequence[tuple[str, str, float]]
"""(column, ``<=`` or ``>=`` ..., bound)."""


class OptunaBooks:
    """One named Optuna study.

    Args:
        study_name: its name; two output folders cannot share one.
        out: the output folder; holds ``optuna.db`` unless another storage is given.
        storage: Optuna storage URL, or None.
        space: what candidates are made of; when it or the objectives change, the study is made anew from what is known.
        objectives: at least one.
        limits: soft constraints; their amounts are stored with each row.
        early_stopping: the rule that stops candidates, if the study has one; another rule is another study.
        to_look_at: no sampler reads the rows; one in a form of before is then made anew.

    Raises:
        BadInput: the storage cannot be opened, or holds a study of that name from another output folder.
    """

    def __init__(
        self,
        study_name: str,
        out: Path,
        storage: str | None,
        *,
        space: Space,
        objectives: Objectives,
        limits: Limits = (),
        early_stopping: str | None = None,
        to_look_at: bool = False,
    ) -> None:
        self._storage, self.out = storage, out
        # samplers and people see the same rows under different names: what a search proposes hangs on the names
        self.parameters, self._shown = Parameters(space), Parameters(space, to_look_at=True)
        self.objectives, self.limits = tuple(objectives), tuple(limits)
        self._columns = [column for column, _ in objectives]
        rule = [] if early_stopping is None else [("early stopping", early_stopping)]
        form = [("rows", "to look at")] if to_look_at else []
        self._digest = space.digest([*self.objectives, *rule, *form])
        with in_one_line(out, storage):
            self._database = open_storage(out, storage)
            self.study = study_in(self._database, study_name, study_uid(out), self._digest, self.objectives)
            self._read()

    def rows(self) -> list[FrozenTrial]:
        """Return every row, oldest first; nobody else writes them, so they are read only after a write."""
        return list(self._all)

    def _as_the_search_sees_it(self, row: FrozenTrial) -> FrozenTrial:
        """Return a stored row with the parameters that samplers know, whichever form it was written in."""
        key = row.user_attrs.get(KEY)
        found = self.parameters.of(Candidate.from_key(key)) if key else None
        if found is None:
            return row
        seen = copy.copy(row)
        seen.params, seen.distributions = found
        return seen

    def _read(self) -> None:
        """Read the rows and keep, per candidate, the one that counts: a complete one, else the newest."""
        self._all: list[FrozenTrial] = [self._as_the_search_sees_it(row) for row in self.study.get_trials(deepcopy=False)]
        self._rows: dict[str, FrozenTrial] = {}
        for row in self._all:
            self._count(row)

    def _count(self, row: FrozenTrial) -> None:
        key = row.user_attrs.get(KEY)
        before = self._rows.get(key) if key else None
        if key and not (before is not None and before.values):
            self._rows[key] = row

    def _read_again(self, trial_id: int) -> None:
        """Read the one row that was written: reading all after each write would make a search's cost grow as its square."""
        row = self._as_the_search_sees_it(self.study._storage.get_trial(trial_id))
        if row.number == len(self._all):
            self._all.append(row)
        elif row.number < len(self._all):
            self._all[row.number] = row
        else:
            self._read()
            return
        self._count(row)

    def row(self, key: str) -> FrozenTrial | None:
        """Return the row that counts for a candidate's key."""
        return self._rows.get(key)

    def open_row(
        self,
        candidate: Candidate,
        *,
        asked: int | None = None,
        system: Mapping[str, Any] | None = None,
        values: Mapping[str, float] | None = None,
    ) -> None:
        """Write a running row for a candidate, unless it has a row that is running or complete.

        Args:
            candidate: a candidate of the space; others are left out of the books.
            asked: its position among those that a search asked for.
            system: what the sampler noted while asking (NSGA-II needs its generation again).
            values: what it measured, where it has: they say when it began.
        """
        row = self._rows.get(candidate.key)
        if row is None or (row.state.is_finished() and not row.values):
            self._add(candidate, "RUNNING", values=values, asked=asked, system=system)

    def close_row(self, candidate: Candidate, values: Mapping[str, float] | None, *, stopped: bool = False) -> None:
        """Tell how a candidate ended, once: its values, or None for failed or incomplete.

        A value that is missing or not finite counts as failed: Optuna would leave the row running for ever.

        Args:
            candidate: a candidate of the space; others are left out of the books.
            values: means over the seeds.
            stopped: it was stopped early, and these are its values there.
        """
        told = self.objective_values(values)
        row = self._rows.get(candidate.key)
        if stopped and told is not None:
            if row is None or row.user_attrs.get(STOPPED_AT) != told:
                self.open_row(candidate, values=values)
                row = self._rows.get(candidate.key)
            if row is not None and not row.state.is_finished():
                self._stop(row, told, values)
            return
        if row is None or (row.state.is_finished() and not row.values and told is not None):
            self._add(candidate, "COMPLETE" if told else "FAIL", values=values if told else None)
        elif not row.state.is_finished():
            self._finish(row, values)

    def objective_values(self, values: Mapping[str, float] | None) -> list[float] | None:
        """Return the objectives' values in order, or None when one, or a limit's column, is missing or not finite."""
        columns = [*self._columns, *(column for column, _, _ in self.limits)]
        if values is None or any(not math.isfinite(values.get(column, math.nan)) for column in columns):
            return None
        return [float(values[column]) for column in self._columns]

    def _of_seeds(self, values: Mapping[str, float] | None) -> dict[str, Any]:
        """Return what each seed measured, and the report numbers, as attributes of a row; none where that is not told."""
        if not isinstance(values, Measured) or self.objective_values(values) is None:
            return {}
        along = along_the_way(values, self._columns, self.constraints)
        return {SEEDS: values.by_seed(self._columns), **values.report_attributes(), **along}

    def note_runs(self, runs: Mapping[str, Sequence[str]]) -> None:
        """Say of candidates, by key, which runs they have in MLflow; what a row says already is not written again."""
        news = {
            key: list(ids)
            for key, ids in runs.items()
            if key in self._rows and self._rows[key].user_attrs.get(RUNS) != list(ids)
        }
        if news:
            self._database.note({self._rows[key]._trial_id: {RUNS: ids} for key, ids in news.items()})
        for key, ids in news.items():
            self._rows[key].user_attrs[RUNS] = ids

    def with_more(self, row: FrozenTrial, more: More) -> FrozenTrial:
        """Return a row with the means over extra seeds, where its candidate has some and was told."""
        means, count = more.get(str(row.user_attrs.get(KEY)), ({}, 0))
        told = self.objective_values(means)
        return row if not row.values or told is None else with_means(row, told, self.constraints(means), count)

    def constraints(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the amount by which each limit is missed, by the limit's text."""
        return {limit_name(limit): excess(limit, values) for limit in self.limits}

    def _add(
        self,
        candidate: Candidate,
        state: str,
        *,
        values: Mapping[str, float] | None = None,
        asked: int | None = None,
        system: Mapping[str, Any] | None = None,
    ) -> None:
        """Add one row in one transaction."""
        from optuna.trial import TrialState, create_trial

        found = self._shown.of(candidate)
        if found is None:
            return
        parameters, distributions = found
        attributes: dict[str, Any] = {KEY: candidate.key} | ({ASKED: asked} if asked is not None else {})
        told = values if state == "COMPLETE" else None
        row = create_trial(
            state=TrialState[state],
            values=self.objective_values(told) if told is not None else None,
            params=parameters,
            distributions=distributions,
            user_attrs=attributes | self._of_seeds(told),
            system_attrs=dict(system or {}),
            constraints=self.constraints(told) if told is not None else None,
        )
        if isinstance(values, Measured):
            values.date(row)
        # as `add_trial`, which does not say which row it was
        self._read_again(self.study._storage.create_new_trial(self.study._study_id, template_trial=row))

    def _stop(self, row: FrozenTrial, told: list[float], values: Mapping[str, float] | None) -> None:
        """End a running row as stopped early, which Optuna has a state for and keeps no values with."""
        from optuna.trial import Trial, TrialState

        along = along_the_way(values, self._columns, self.constraints)
        for name, found in {STOPPED_AT: told, **along}.items():
            Trial(self.study, row._trial_id).set_user_attr(name, found)
        self.study.tell(row.number, state=TrialState["PRUNED"])
        self._read_again(row._trial_id)

    def _finish(self, row: FrozenTrial, values: Mapping[str, float] | None) -> None:
        """End a running row; the constraints first, since a finished row takes none."""
        from optuna.trial import Trial, TrialState

        told = self.objective_values(values)
        if values is None or told is None:
            self.study.tell(row.number, state=TrialState.FAIL)
        else:
            running = Trial(self.study, row._trial_id)
            for name, found in self._of_seeds(values).items():
                running.set_user_attr(name, found)
            for name, amount in self.constraints(values).items():
                if name not in row.constraints:
                    running.set_constraint(name, amount)
            self.study.tell(row.number, told)
        self._read_again(row._trial_id)

    def attempt(self, write: Callable[[], None]) -> str | None:
        """Call ``write``; return one line when the storage fails, for those who can go on without it."""
        return failure_of(write, self._storage)

    def reconcile(self, known: Mapping[str, Mapping[str, float] | None], *, taken_up: Collection[str]) -> None:
        """Bring the rows in line with the output folder.

        Args:
            known: values by candidate key, None for a failed one.
            taken_up: keys of open rows that will be handed out again; other open rows are closed as failed.
        """
        for row in [row for row in self.rows() if not row.state.is_finished()]:
            key = row.user_attrs.get(KEY)
            counts = key is not None and self._rows[key].number == row.number
            if counts and key in known:
                self._finish(row, known[key])
            elif not (counts and key in taken_up):
                self._finish(row, None)
        for key, values in known.items():
            row = self._rows.get(key)
            if row is None or (not row.values and self.objective_values(values)):
                self.close_row(Candidate.from_key(key), values, stopped=isinstance(values, Measured) and values.stopped)
