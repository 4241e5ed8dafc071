"""Kill a sweep at random moments, in random ways, run it again, and compare its records with those of an undisturbed run.

    python -m benchmarks.chaos --faults 100 --seed 0 [--markdown FILE]

Faults: ``driver`` (kill -9 of the driver alone), ``family`` (of driver, Ray and workers at once), ``worker`` (of a worker),
``raylet`` (of Ray's node process), ``terminate`` (SIGTERM), ``interrupt`` (SIGINT), ``disk`` (a limit
on file size, so that workers can write nothing large, as on a full disk). After each, the same command runs again until the
study is done; then the records must equal those of the undisturbed run to the bit, timing apart; MLflow must hold each trial
once, and Optuna each candidate once.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import psutil

FAULTS = ("driver", "family", "worker", "raylet", "terminate", "interrupt", "disk")
NOT_THE_SAME = ["train_seconds", "evaluate_seconds", "mlflow_run_id"]
FILE_LIMIT = 20_000
"""Bytes: too small for weights and logits of the smoke study, so a trial cannot write what it must."""


def main() -> None:
    """Read the command line, torment, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faults", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--study", default="smoke")
    parser.add_argument("--per-run", type=int, default=6, help="faults until a study is let to its end and compared")
    parser.add_argument("--markdown", type=Path, help="write the table here")
    chosen = parser.parse_args()
    draw = random.Random(chosen.seed)
    root = Path(tempfile.mkdtemp(prefix="chaos-"))
    try:
        rows, wrong = torment(chosen.study, chosen.faults, chosen.per_run, draw, root)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    text = table(rows, chosen.seed)
    print(text)
    if chosen.markdown:
        chosen.markdown.write_text(text)
    sys.exit(1 if wrong else 0)


def torment(
    study: str, faults: int, per_run: int, draw: random.Random, root: Path
) -> tuple[list[tuple[str, str, str]], int]:
    """Return (fault, what the driver did, what came of the study) per fault, and how many studies came out wrong."""
    undisturbed = root / "undisturbed" / study
    started = time.monotonic()
    if command(study, undisturbed).wait() != 0:
        raise RuntimeError((undisturbed.parent / "log").read_text())
    usual = time.monotonic() - started
    rows: list[tuple[str, str, str]] = []
    wrong = number = 0
    while len(rows) < faults:
        out = root / f"run-{number}" / study
        number += 1
        here: list[tuple[str, str]] = []
        while len(here) < per_run and len(rows) + len(here) < faults:
            fault = draw.choice(FAULTS)
            status = one_fault(study, out, fault, draw.uniform(0.15, 0.9) * usual)
            here.append((fault, status))
            if status == "done before the fault":
                break
        code = command(study, out).wait(timeout=900)
        verdict = "equal" if code == 0 else f"exit {code}"
        verdict = compare(out, undisturbed) if code == 0 else verdict
        wrong += verdict != "equal"
        rows += [(fault, status, verdict) for fault, status in here]
        print(f"{len(rows)} of {faults} faults: {', '.join(fault for fault, _ in here)}: {verdict}", flush=True)
        if verdict == "equal":
            shutil.rmtree(out.parent)
    return rows, wrong


def command(study: str, out: Path, file_limit: int | None = None) -> subprocess.Popen[bytes]:
    """Start the study."""
    out.parent.mkdir(parents=True, exist_ok=True)

    def limit() -> None:
        if file_limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

    with (out.parent / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "dashboards", "run", study, "--out", str(out)],
            stdout=log, stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=limit,
        )  # fmt: skip


def one_fault(study: str, out: Path, fault: str, after: float) -> str:
    """Start the study, do one harm to it after so many seconds, wait until it ends; return how it ended."""
    if fault == "disk":
        # Ray's own files need room, so the limit is put on the workers once they are there
        process = command(study, out)
        if not slept(process, after):
            return "done before the fault"
        for worker in workers(process.pid):
            resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (FILE_LIMIT, FILE_LIMIT))
        return f"exit {process.wait(timeout=900)}"
    process = command(study, out)
    if not slept(process, after):
        return "done before the fault"
    if fault == "driver":
        process.kill()
    elif fault == "family":
        for member in [*family(process.pid), psutil.Process(process.pid)]:
            member.kill()
    elif fault == "worker":
        for worker in workers(process.pid)[:1]:
            worker.kill()
    elif fault == "raylet":
        for member in family(process.pid):
            if member.name() == "raylet":
                member.kill()
    elif fault == "terminate":
        process.terminate()
    else:
        os.killpg(process.pid, signal.SIGINT)
    try:
        return f"exit {process.wait(timeout=600)}"
    except subprocess.TimeoutExpired:
        for member in [*family(process.pid), psutil.Process(process.pid)]:
            member.kill()
        process.wait()
        return "did not end by itself, killed after 10 minutes"


def slept(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait; return whether the process is still there then."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def family(pid: int) -> list[psutil.Process]:
    """Return everything that a process started."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def workers(pid: int) -> list[psutil.Process]:
    """Return the Ray workers below a process."""
    return [member for member in family(pid) if member.is_running() and member.name().startswith("ray::")]


def compare(out: Path, undisturbed: Path) -> str:
    """Return ``equal``, or what differs."""
    mine, theirs = (pd.read_parquet(each / "records.parquet").drop(columns=NOT_THE_SAME) for each in (out, undisturbed))
    if not mine.equals(theirs):
        return "records differ"
    keys = [
        key
        for (key,) in rows_of(
            out / "mlflow.db",
            "select t.value from tags t join runs r on r.run_uuid = t.run_uuid "
            "where t.key = 'prunefront.key' and r.lifecycle_stage = 'active'",
        )
    ]
    if sorted(keys) != sorted(mine["key"].unique()):
        return f"MLflow holds {len(keys)} runs of {mine['key'].nunique()} trials"
    complete = [
        rows_of(each / "optuna.db", "select count(*) from trials where state = 'COMPLETE'") for each in (out, undisturbed)
    ]
    return "equal" if complete[0] == complete[1] else f"Optuna holds {complete[0]} instead of {complete[1]}"


def rows_of(database: Path, query: str) -> list[tuple[object, ...]]:
    """Return the rows of a query."""
    with sqlite3.connect(database) as books:
        return books.execute(query).fetchall()


def table(rows: list[tuple[str, str, str]], seed: int) -> str:
    """Return the faults and results as Markdown."""
    counts = Counter(rows)
    lines = [
        "# Chaos",
        "",
        f"{len(rows)} faults with seed {seed} on {platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores; "
        f"repeat with `make chaos FAULTS={len(rows)} SEED={seed}`.",
        "",
        "| fault | how the driver ended | records, MLflow and Optuna afterwards | times |",
        "|---|---|---|---|",
        *(f"| {fault} | {status} | {verdict} | {times} |" for (fault, status, verdict), times in sorted(counts.items())),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
