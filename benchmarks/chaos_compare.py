"""Compares what a tormented study left with what an undisturbed one left: nothing lost, nothing twice, nothing different."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.chaos_sweep import LEFT_SECONDS, Sweep
from sweeps.engine.folder import ALIVE, PREFIX, is_left
from sweeps.folder.identity import study_uid
from sweeps.tracking.entry import FREQUENCY

NOT_THE_SAME = ["train_seconds", "evaluate_seconds", "mlflow_run_id"]


def differences(sweep: Sweep, undisturbed: Path) -> list[str]:
    """Return what differs, a phrase each; empty when all is equal."""
    out = sweep.out
    found = [*sweep.wrong, *(each(out, undisturbed) for each in (_records, _front, _optuna))]
    found.append(_mlflow(out, sweep.place.mlflow_database or out / "mlflow.db", undisturbed))
    if not (out / "report" / "index.html").is_file():
        found.append("no report")
    if sweep.again:
        found.append(f"{len(sweep.again)} finished trials ran again")
    if any(ours(piece) for piece in sweep.log.read_text(errors="replace").split("Traceback (most recent")[1:]):
        found.append("a traceback was shown")
    found.append(_left(sweep))
    return [each for each in found if each]


def ours(traceback: str) -> bool:
    """Return whether it is not that of a Python that was interrupted before it came to our code."""
    return "\nKeyboardInterrupt" not in traceback or "/sweeps/" in traceback or "/dashboards/" in traceback


def _records(out: Path, undisturbed: Path) -> str:
    mine, theirs = (pd.read_parquet(each / "records.parquet").drop(columns=NOT_THE_SAME) for each in (out, undisturbed))
    return "" if mine.equals(theirs) else f"records differ ({len(mine)} rows, undisturbed {len(theirs)})"


def _front(out: Path, undisturbed: Path) -> str:
    return "" if (out / "front.csv").read_bytes() == (undisturbed / "front.csv").read_bytes() else "front differs"


def _optuna(out: Path, undisturbed: Path) -> str:
    mine, theirs = (_candidates(each / "optuna.db") for each in (out, undisturbed))
    return "" if mine == theirs else f"Optuna holds {mine} instead of {theirs}"


def _candidates(database: Path) -> list[tuple[Any, ...]]:
    """Return every row of the study: candidate, state, values in the order of the objectives."""
    query = """
        select a.value_json, t.state, group_concat(v.objective || '=' || v.value) from trials t
        left join trial_user_attributes a on a.trial_id = t.trial_id and a.key = 'prunefront.candidate'
        left join (select * from trial_values order by objective) v on v.trial_id = t.trial_id
        group by t.trial_id"""
    return sorted(rows_of(database, query), key=repr)


def _mlflow(out: Path, database: Path, undisturbed: Path) -> str:
    mine = _runs(database, study_uid(out))
    theirs = _runs(undisturbed / "mlflow.db", study_uid(undisturbed))
    if [run[:3] for run in mine] != [run[:3] for run in theirs]:
        return f"MLflow holds {[run[:3] for run in mine]} instead of {[run[:3] for run in theirs]}"
    wrong = sum(one != other for one, other in zip(mine, theirs, strict=True))
    return f"MLflow: numbers or parameters of {wrong} runs differ" if wrong else ""


def _runs(database: Path, uid: str) -> list[tuple[Any, ...]]:
    """Return (key, role, status, parameters, metrics) of every live run of a study."""
    live = """
        select run_uuid, status from runs where lifecycle_stage = 'active' and run_uuid in
        (select run_uuid from tags where key = 'prunefront.study_uid' and value = ?)"""
    found = []
    for run, status in rows_of(database, live, uid):
        tags = dict(rows_of(database, "select key, value from tags where run_uuid = ?", run))
        role, key = tags["prunefront.role"], tags.get("prunefront.key", "")
        parameters = sorted(rows_of(database, "select key, value from params where run_uuid = ?", run))
        measured = _last_numbers(database, run) if role == "trial" else []
        found.append((key, role, status, parameters, measured))
    return sorted(found)


def _last_numbers(database: Path, run: str) -> list[tuple[Any, ...]]:
    """Return (metric, step, value) as MLflow shows them: the tables of an interrupted run gave others a place on the front.

    A place that was lost is 0 there, and was never told in an undisturbed run.
    """
    rows = rows_of(database, "select key, step, value from metrics where run_uuid = ? order by timestamp, value", run)
    last = {(name, step): value for name, step, value in rows if name not in NOT_THE_SAME}
    return sorted((*at, value) for at, value in last.items() if (at[0], value) != (FREQUENCY, 0.0))


def _left(sweep: Sweep) -> str:
    """Say what still runs, or lies in the temporary folder, after the last driver has ended."""
    processes = _patiently(sweep.left_behind)
    if processes:
        return f"still running: {sorted({each.name() for each in processes})}"
    # what a driver and its reaper left that were killed together is the next one's to remove, an empty one after a minute
    held = [each.name for each in sweep.temporary.glob(f"{PREFIX}*") if (each / ALIVE).exists() and not is_left(each)]
    found = [*held, *sorted(sweep.abandoned), *_patiently(sweep.place.left)]
    return f"left behind: {', '.join(found)}" if found else ""


def _patiently(look: Callable[[], list[Any]]) -> list[Any]:
    end = time.monotonic() + LEFT_SECONDS
    while (found := look()) and time.monotonic() < end:
        time.sleep(0.5)
    return found


def rows_of(database: Path, query: str, *values: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    with sqlite3.connect(database) as books:
        return books.execute(query, values).fetchall()
