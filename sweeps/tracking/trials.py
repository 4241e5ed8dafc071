"""From a trial's folder to what MLflow is told about it: differences to its control, curve, place on the front."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from prune_core.base.kinds import CONTROL, NEVER_FINE_TUNED, PRUNED
from prune_core.base.trial_folder import (
    CORRUPTIONS,
    DESCRIPTION,
    OUTCOME,
    RECORD,
    TRACEBACK,
    budget_folder,
    read_outcome,
    read_record,
)
from prune_core.training.curve import read_curve
from sweeps.folder.paths import trial_folder
from sweeps.plan.trials import PlannedTrial
from sweeps.records.control import controls_by_start, start_of
from sweeps.tracking.entry import ON_FRONT, Images, TrialEntry, final_metrics, finite
from sweeps.tracking.names import RunNames
from sweeps.tracking.parameters import parameters


class TrialEntries:
    """Makes the entry of a trial, and knows which entries change when a control ends.

    Args:
        out: the output folder.
        trials: returns every trial known by now; a search adds to them.
        names: gives each run its name.
        longest: budget of the study, whose front the tag is about.
        images: of the study.
    """

    def __init__(
        self,
        out: Path,
        trials: Callable[[], Iterable[PlannedTrial]],
        names: RunNames,
        longest: int,
        images: Images | None = None,
    ) -> None:
        self._out, self._trials, self._longest = out, trials, longest
        self._names, self._images = names, images
        self._places: dict[str, dict[int, float]] = {}
        self._controls: dict[str, str] = {}
        self._theirs: dict[tuple[str, int], tuple[float | None, dict[str, Any] | None]] = {}
        self._without: dict[str, list[PlannedTrial]] = {}

    def of(self, trial: PlannedTrial) -> TrialEntry | None:
        """Return the entry of a trial as its folder says; None while it has no outcome."""
        folder = trial_folder(self._out, trial.key)
        outcome = read_outcome(folder)
        if outcome is None:
            return None
        records = {budget: record for budget in trial.budgets if (record := read_record(folder, budget)) is not None}
        traceback = folder / TRACEBACK
        return TrialEntry(
            key=trial.key,
            name=self._names.of(trial),
            params=parameters(trial),
            status=outcome["status"],
            cause=outcome.get("cause"),
            metrics=self._with_deltas(trial, records),
            tags=self._tags(trial),
            artifacts=[traceback] if traceback.is_file() else [],
            corruptions=_tables(folder, records),
            curve=read_curve(folder),
            images=self._images,
            places=self._places.get(trial.key, {}),
            started=_changed_at(folder / DESCRIPTION),
            ended=_changed_at(folder / OUTCOME),
        )

    def place(self, front: Path) -> list[str]:
        """Read who is on the front; return the keys of trials whose entry says something else now.

        Args:
            front: ``front.csv``; without it nobody is.
        """
        before, self._places = self._places, places(front)
        for key in before:
            self._places.setdefault(key, {})
        return [key for key, place in self._places.items() if before.get(key) != place]

    def _tags(self, trial: PlannedTrial) -> dict[str, str]:
        tags = {"prunefront.name": trial.name}
        if trial.key in self._places:
            at = self._places[trial.key]
            judged_once = trial.kind in NEVER_FINE_TUNED and bool(at)
            tags[ON_FRONT] = str(judged_once or self._longest in at).lower()
        return tags

    def changed_by(self, trial: PlannedTrial) -> list[PlannedTrial]:
        """Return the trials that ended before this one, their control, and lacked their differences for it."""
        return self._without.pop(trial.key, []) if trial.kind == "control" else []

    def _with_deltas(self, trial: PlannedTrial, records: dict[int, dict[str, Any]]) -> Mapping[int, Mapping[str, object]]:
        """Add the differences at the longest budget, the only one at which they are sent."""
        control = self._control(trial) if records else None
        if control is None:
            return records
        last = max(records)
        theirs = self._record_of_control(control, last)
        if theirs is None:
            self._without.setdefault(control, []).append(trial)
            return records
        deltas = {}
        for name in final_metrics():
            column = name.removeprefix("delta_")
            own, other = finite(records[last].get(column)), finite(theirs.get(column))
            if column != name and own is not None and other is not None:
                deltas[name] = own - other
        return {**records, last: {**records[last], **deltas}}

    def _record_of_control(self, key: str, budget: int) -> dict[str, Any] | None:
        """Return the record of a control, read once as it is: all that were pruned alike are compared with it."""
        folder = trial_folder(self._out, key)
        at = _changed_at(budget_folder(folder, budget) / RECORD)
        before = self._theirs.get((key, budget))
        if before is None or before[0] != at:
            before = self._theirs[key, budget] = at, read_record(folder, budget)
        return before[1]

    def _control(self, trial: PlannedTrial) -> str | None:
        """Return the key of the control of the same baseline, fine-tuning, seed and budget."""
        if trial.kind not in (PRUNED, CONTROL):
            return None
        start = start_of(trial)
        if start not in self._controls:  # a search that varies the fine-tuning brings controls of its own
            self._controls = controls_by_start(self._trials())
        return self._controls.get(start)


def _tables(folder: Path, budgets: Iterable[int]) -> dict[int, str]:
    """Return the corruption table of each budget that has one."""
    paths = {budget: budget_folder(folder, budget) / CORRUPTIONS for budget in budgets}
    return {budget: path.read_text(encoding="utf-8", errors="replace") for budget, path in paths.items() if path.is_file()}


def _changed_at(path: Path) -> float | None:
    return path.stat().st_mtime if path.exists() else None


def places(front: Path) -> dict[str, dict[int, float]]:
    """Return by trial's key and budget how often its candidate is on the front; only those that are on it."""
    if not front.is_file():
        return {}
    table = pd.read_csv(front, dtype={"keys": str})
    found: dict[str, dict[int, float]] = {}
    for row in table.to_dict("records"):
        for key in str(row["keys"]).split(";"):
            found.setdefault(key, {})[int(row["budget"])] = float(row["front_frequency"])
    return found
