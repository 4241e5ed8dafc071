"""Running the command line in tests, and ending it in all the ways in which it can end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import psutil

PRUNEFRONT = [sys.executable, "-m", "dashboards"]
NOT_THE_SAME = ["train_seconds", "evaluate_seconds", "mlflow_run_id"]
"""Columns in which two runs of one study may differ."""
DEATHS = 5
"""How often the workers of a trial that gets further each time are killed."""


def prunefront(
    *arguments: str | Path, cwd: Path, seconds: float = 280, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command line and wait."""
    return subprocess.run(
        [*PRUNEFRONT, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        env={**os.environ, **environment},
    )


def start(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.Popen[str]:
    """Start the command line in a process group of its own, as a terminal does."""
    with (cwd / "log").open("a") as log:
        return subprocess.Popen(
            [*PRUNEFRONT, *map(str, arguments)],
            cwd=cwd,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={**os.environ, **environment},
        )


def wait_for(what: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 200) -> None:
    """Wait until something is so; fail when the process ended before, or after ``seconds``."""
    end = time.monotonic() + seconds
    while not what():
        assert process.poll() is None, f"the sweep ended with {process.returncode} too early"
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def finished(out: Path) -> list[str]:
    """Return the keys of the trials that have their outcome."""
    return sorted(path.parent.name for path in out.glob("trials/*/outcome.json"))


def kill_family(process: subprocess.Popen[str]) -> None:
    """``kill -9`` of the driver and of everything that it started."""
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for member in family:
        try:
            member.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
    process.wait()


def comparable(out: Path) -> pd.DataFrame:
    """Return the records without the columns that may differ."""
    return pd.read_parquet(out / "records.parquet").drop(columns=NOT_THE_SAME)
