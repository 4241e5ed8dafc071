"""``kill -9`` of anything at any time, then the same command again: the records of an undisturbed run, to the bit."""

from __future__ import annotations

import os
import signal
import sqlite3
from pathlib import Path

import pandas as pd
import psutil
import pytest

from sweeps.folder.lock import holder_of
from tests.end_to_end.running import comparable, finished, kill_family, prunefront, start, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def workers_of(pid: int) -> list[psutil.Process]:
    """Return Ray's workers that run trials, not its agents."""
    return [child for child in psutil.Process(pid).children(recursive=True) if name_of(child).startswith("ray::Implicit")]


def name_of(process: psutil.Process) -> str:
    """Return a process's name; nothing when it is gone meanwhile."""
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def raylet_of(pid: int) -> psutil.Process:
    return next(child for child in psutil.Process(pid).children(recursive=True) if name_of(child) == "raylet")


def test_a_sweep_killed_in_the_middle_goes_on_to_the_same_records(undisturbed: Path, tmp_path: Path) -> None:
    out = tmp_path / "runs" / "smoke"
    process = start("run", "smoke", "--out", out, cwd=tmp_path)
    wait_for(lambda: len(finished(out)) >= 1, process)  # early: what follows takes a part of the other seven each time
    before = {key: (out / "trials" / key / "outcome.json").stat().st_mtime_ns for key in finished(out)}
    kill_family(process)

    process = start("run", "smoke", "--out", out, cwd=tmp_path)
    wait_for(lambda: len(finished(out)) > len(before) and bool(workers_of(process.pid)), process)
    workers_of(process.pid)[0].kill()  # a worker too, and then Ray's whole node, while the sweep goes on
    wait_for(lambda: len(finished(out)) > len(before) + 1, process)
    raylet_of(process.pid).kill()
    assert process.wait(timeout=280) == 0, (tmp_path / "log").read_text()

    pd.testing.assert_frame_equal(comparable(out), comparable(undisturbed))
    for key, written in before.items():
        assert (out / "trials" / key / "outcome.json").stat().st_mtime_ns == written, "a finished trial ran again"
    with sqlite3.connect(out / "mlflow.db") as books:
        runs = books.execute(
            "select t.value, r.status from tags t join runs r on r.run_uuid = t.run_uuid "
            "where t.key = 'prunefront.key' and r.lifecycle_stage = 'active'"
        ).fetchall()
    assert sorted(runs) == [(key, "FINISHED") for key in finished(out)]
    with sqlite3.connect(out / "optuna.db") as books:
        states = books.execute("select state, count(*) from trials group by state").fetchall()
    assert dict(states).get("COMPLETE") == 4
    assert "RUNNING" not in dict(states)


def test_one_interrupt_ends_in_order_and_says_how_to_go_on(tmp_path: Path) -> None:
    out = tmp_path / "runs" / "smoke"
    process = start("run", "smoke", "--out", out, cwd=tmp_path)
    wait_for(lambda: len(finished(out)) >= 1, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the whole foreground group gets it
    status = process.wait(timeout=120)
    said = (tmp_path / "log").read_text()
    assert status == 130, said
    assert "run the same command again to go on" in said
    assert "Traceback" not in said
    records = pd.read_parquet(out / "records.parquet")
    assert set(records["status"]) == {"complete"}
    ran = prunefront("status", out, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr

    # then a preemption: SIGTERM in the middle of trials, and ten seconds to leave (more here, for a machine that is busy)
    process = start("run", "smoke", "--out", out, cwd=tmp_path)
    wait_for(lambda: bool(workers_of(process.pid)) and any(out.glob("trials/*/progress.json")), process)
    process.terminate()
    assert process.wait(timeout=60) == 130
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert holder_of(out) is None, "the folder is free for the next run"
