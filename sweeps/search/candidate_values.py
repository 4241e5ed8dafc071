"""What a candidate measured: the mean over its seeds, read from the trials' folders."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from prune_core.base.trial_folder import DESCRIPTION, OUTCOME, RECORD, budget_folder, read_record
from sweeps.folder.paths import trial_folder
from sweeps.front.text import headlines
from sweeps.plan.trials import PlannedTrial
from sweeps.search.measured import Measured
from sweeps.search.search import Values


def candidate_values(trials: Iterable[PlannedTrial], budget: int | None, columns: Iterable[str], out: Path) -> Values | None:
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
