"""What a candidate measured: the mean over its seeds, read from the trials' folders."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from prune_core.base.trial_folder import read_record
from sweeps.folder.paths import trial_folder
from sweeps.plan.trials import PlannedTrial
from sweeps.search.measured import Measured
from sweeps.search.search import Values


def candidate_values(trials: Iterable[PlannedTrial], budget: int | None, columns: Iterable[str], out: Path) -> Values | None:
    """Return the mean of each column over a candidate's seeds, or None when a seed has no whole record.

    What each seed measured goes with it.
    """
    records = [
        read_record(trial_folder(out, trial.key), budget if budget is not None else trial.budgets[-1]) for trial in trials
    ]
    values, seeds = {}, {}
    for column in columns:
        numbers = [float(record[column]) if record and record.get(column) is not None else math.nan for record in records]
        mean = math.fsum(numbers) / len(numbers) if numbers else math.nan
        if not math.isfinite(mean):
            return None
        values[column], seeds[column] = mean, tuple(numbers)
    return Measured(values, seeds)
