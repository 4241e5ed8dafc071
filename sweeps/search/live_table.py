"""Records of a sweep that is at work: read from the trials' folders, since the table is written when a run ends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prune_core.base.errors import BadInput
from prune_core.base.trial_folder import OUTCOME, RECORD
from sweeps.folder.paths import RECORDS, trials_folder
from sweeps.records.collect import collect
from sweeps.search.whole_plan import whole_plan
from sweeps.search.whole_table import whole_table

if TYPE_CHECKING:
    import pandas as pd


def has_newer_trials(out: Path) -> bool:
    """Return whether a trial wrote something after the table of records was written."""
    table = out / RECORDS
    written = table.stat().st_mtime_ns if table.is_file() else -1
    return newest(out)[0] > written


def newest(out: Path) -> tuple[int, int]:
    """Return when the trials last wrote a result (nanoseconds, -1 for never), and how many results there are."""
    times = [
        path.stat().st_mtime_ns
        for pattern in (f"*/{OUTCOME}", f"*/budget-*/{RECORD}")
        for path in trials_folder(out).glob(pattern)
    ]
    return max(times, default=-1), len(times)


def live_records(out: Path, written: pd.DataFrame) -> pd.DataFrame | None:
    """Return the table as the trials' folders tell it; None where they cannot be read as this study's.

    Args:
        out: the study's folder.
        written: the table written last, for the MLflow runs that it names.
    """
    runs = {}
    if "mlflow_run_id" in written:
        known = written.dropna(subset=["mlflow_run_id"])
        runs = dict(zip(known["key"].astype(str), known["mlflow_run_id"].astype(str), strict=True))
    try:
        plan = whole_plan(out)
    except BadInput:
        return None
    table = collect(out, plan.trials, study=plan.study.name, run_ids=runs)
    # Without the data at hand the keys are not the real ones, nothing is found, and the written table is better.
    return table if len(table) >= len(written) else None


def table_now(out: Path) -> pd.DataFrame | None:
    """Return the table of a folder as it is now, also beside a running sweep; None while there is none.

    Raises:
        BadInput: the table is damaged, and the folder does not say what the records are.
    """
    import pandas as pd  # 0.25 s of CPU, where there is a table

    written = whole_table(out) if (out / RECORDS).is_file() else None
    if not has_newer_trials(out):
        return written
    found = live_records(out, pd.DataFrame() if written is None else written)
    return written if found is None else found
