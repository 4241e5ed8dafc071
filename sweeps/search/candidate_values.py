"""What a candidate measured: the mean over its seeds, read from the trials' folders."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from prune_core.base.trial_folder import DESCRIPTION, OUTCOME, RECORD, STOPPED, budget_folder, read_outcome, read_record
from sweeps.folder.paths import trial_folder
from sweeps.front.text import headlines
from sweeps.plan.trials import PlannedTrial
from sweeps.search.measured import Measured

STOPPED_AT_BUDGET = "stopped at budget"
"""What the cause of a stopped trial begins with; then its budget, and why."""


def candidate_values(
    trials: Iterable[PlannedTrial], budget: int | None, columns: Iterable[str], out: Path
) -> Measured | None:
    """Return the mean of each column over a candidate's seeds, or None when a seed has no whole record.

    What each seed measured goes with it, the report numbers, and when it was trained.
    """
    reached = [(trial_folder(out, trial.key), budget if budget is not None else trial.budgets[-1]) for trial in trials]
    records = [read_record(folder, at) for folder, at in reached]
    columns = list(columns)
    values, seeds = {}, {}
    for column in columns:
        seeds[column] = tuple(_numbers(records, column))
        values[column] = _mean(seeds[column])
        if not math.isfinite(values[column]):
            return None
    shown = dict.fromkeys([*(one.name for one in headlines()), *(name.removeprefix("val_") for name in columns)])
    report = {name: _mean(_numbers(records, name)) for name in shown}
    return Measured(values, seeds, {name: mean for name, mean in report.items() if math.isfinite(mean)}, _span(reached))


def walked_values(trials: Sequence[PlannedTrial], columns: Sequence[str], out: Path) -> Measured | None:
    """Return what a candidate measured that walked up its budgets, with what it measured on the way.

    Where it was stopped these are the means there; None when a seed has no whole record.
    """
    budgets = trials[0].budgets
    stops = [at for trial in trials if (at := stopped_at(trial_folder(out, trial.key))) is not None]
    last = min(stops, default=budgets[-1])
    found = candidate_values(trials, last, columns, out)
    if found is not None:
        found.stopped = bool(stops)
        before = {at: candidate_values(trials, at, columns, out) for at in budgets if at < last}
        found.along = {at: one for at, one in before.items() if one is not None}
        if stops:
            found.along[last] = found
    return found


def stopped_at(folder: Path) -> int | None:
    """Return the budget at which a trial was stopped early, or None where it was not."""
    outcome = read_outcome(folder)
    if outcome is None or outcome["status"] != STOPPED:
        return None
    said = re.match(rf"{STOPPED_AT_BUDGET} (\d+):", str(outcome.get("cause")))
    return int(said[1]) if said else max(outcome["budgets"], default=None)


def _numbers(records: Sequence[Mapping[str, Any] | None], column: str) -> list[float]:
    return [float(record[column]) if record and record.get(column) is not None else math.nan for record in records]


def _mean(numbers: Sequence[float]) -> float:
    return math.fsum(numbers) / len(numbers) if numbers else math.nan


def _span(reached: Iterable[tuple[Path, int]]) -> tuple[float, float] | None:
    """Return when the first trial began and the last one was judged at its budget.

    A record that was scored anew is younger than the trial's outcome, which then says when it was made at the latest.
    """
    begun, ended = [], []
    try:
        for folder, budget in reached:
            begun.append((folder / DESCRIPTION).stat().st_mtime)
            judged = (budget_folder(folder, budget) / RECORD).stat().st_mtime
            outcome = folder / OUTCOME
            ended.append(min(judged, outcome.stat().st_mtime) if outcome.exists() else judged)
    except OSError:
        return None
    return (min(begun), max(ended)) if begun and min(begun) <= max(ended) else None
