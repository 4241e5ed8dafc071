"""The process that makes rows: one that hangs is cut, one that crashes is named, and the others are made."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.gpu_jobs import Job
from benchmarks.gpu_process import supervised

WORKER = """
import json, os, subprocess, sys, time
first, script, child = int(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3]
if script[first] == "never":
    sys.exit(3)
say = lambda **said: print(json.dumps(said), flush=True)
say(card="X", about="a worker")
for number, does in enumerate(script[first:], first):
    say(begin=number)
    print("not one of ours", flush=True)
    if does == "hang":
        other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        open(child, "w").write(str(other.pid))
        time.sleep(600)
    if does == "crash":
        os.kill(os.getpid(), 11)
    say(end=number, found={"row": number, "made": does})
    if does == "last":
        break
"""


def run(script: list[str], tmp_path: Path, seconds: float = 600.0, limit: float = 60.0) -> list[Any]:
    """What each row came to: what the worker found, or why there is none."""
    jobs = [Job("checks", {"row": number}, dict, 1.0 if does == "hang" else limit) for number, does in enumerate(script)]
    about: list[dict[str, Any]] = []

    def command(first: int) -> list[str]:
        return [sys.executable, "-c", WORKER, str(first), json.dumps(script), str(tmp_path / "child")]

    rows = [row for _, row in supervised(jobs, command, time.monotonic() + seconds, about.append)]
    assert [row["row"] for row in rows] == list(range(len(script)))
    assert all(said == {"card": "X", "about": "a worker"} for said in about)
    assert all(row["outcome"] == row["error"] for row in rows if "error" in row)
    return [row.get("made", row.get("error")) for row in rows]


def test_every_row_is_there_whatever_happens_to_one(tmp_path: Path) -> None:
    script = ["well", "crash", "well", "hang", "well", "last", "well", "crash"]
    expected = ["well", "its process ended with status -11", "well", "cut after 1 s", "well", "last", "well"]
    assert run(script, tmp_path) == [*expected, "its process ended with status -11"]
    orphan = int((tmp_path / "child").read_text())  # what a row started ends with it
    until = time.monotonic() + 30
    while _alive(orphan) and time.monotonic() < until:
        time.sleep(0.1)
    assert not _alive(orphan)


def _alive(number: int) -> bool:
    try:
        return bool(psutil.Process(number).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_the_end_of_the_time_cuts_and_names_what_is_left(tmp_path: Path) -> None:
    none = "not reached: no time left"
    assert run(["well", "well"], tmp_path, seconds=0.0) == [none, none]
    assert run(["hang", "well", "well"], tmp_path, seconds=0.5) == ["cut: no time left", none, none]


def test_a_worker_that_never_starts_is_not_tried_for_ever(tmp_path: Path) -> None:
    ended = "its process ended with status 3"
    assert run(["never"] * 5, tmp_path) == [ended] * 3 + ["not reached: 3 processes in turn did not start"] * 2
    assert run(["never", "well", "never"], tmp_path) == [ended, "well", "never"]
