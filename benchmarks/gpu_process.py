"""Rows made by another process: one that hangs is cut, one that crashes is named, and the rest is made all the same."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from benchmarks.gpu_jobs import Job

START_SECONDS = 120.0
"""What a worker may take until it says what the device is: the import of torch, and CUDA's start."""

STARTS = 3
"""Workers in turn that do not start, after which no further one is tried."""


def supervised(
    jobs: Sequence[Job], command: Callable[[int], list[str]], deadline: float, about: Callable[[dict[str, Any]], None]
) -> Iterator[tuple[Job, dict[str, Any]]]:
    """Yield each job with its row, in order; one that was cut, crashed or not reached says so.

    Args:
        jobs: that the worker knows by their numbers.
        command: of a worker that begins with a number.
        deadline: on the monotonic clock.
        about: called with what a worker says of the device.
    """
    at = failed = 0
    while at < len(jobs):
        if time.monotonic() >= deadline or failed == STARTS:
            why = "no time left" if failed < STARTS else f"{STARTS} processes in turn did not start"
            yield jobs[at], _missing(jobs[at], f"not reached: {why}")
            at += 1
            continue
        worker = _Worker(command(at))
        try:
            for row in _rows(worker, jobs, at, deadline, about):
                yield jobs[at], row
                at += 1
        finally:
            worker.end()
        failed = 0 if worker.spoke else failed + 1


def _rows(
    worker: _Worker, jobs: Sequence[Job], first: int, deadline: float, about: Callable[[dict[str, Any]], None]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of one worker; at least one, so that the next worker begins further on."""
    at, limit = first, START_SECONDS
    while at < len(jobs):
        try:
            said = worker.line(min(limit, max(0.1, deadline - time.monotonic())))
        except queue.Empty:
            late = time.monotonic() >= deadline
            yield _missing(jobs[at], "cut: no time left" if late else f"cut after {limit:.0f} s")
            return
        if said is None:
            if at == first or worker.begun:
                yield _missing(jobs[at], f"its process ended with status {worker.status()}")
            return
        worker.spoke = True
        if "begin" in said:
            limit, worker.begun = jobs[at].limit, True
        elif "end" in said:
            limit, worker.begun = START_SECONDS, False
            yield said["found"]
            at += 1
        else:
            about(said)


def _missing(job: Job, why: str) -> dict[str, Any]:
    return {**job.row, "error": why, **({"outcome": why} if job.part == "checks" else {})}


class _Worker:
    """A process in a group of its own, so that what it starts ends with it."""

    def __init__(self, command: list[str]) -> None:
        self.begun = self.spoke = False
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def line(self, seconds: float) -> dict[str, Any] | None:
        """Return what it says next, None when it has ended; raise `queue.Empty` where it says nothing for so long."""
        return self._lines.get(timeout=seconds)

    def status(self) -> int:
        """Wait for its end and return its status; minus the number of the signal that ended it."""
        return self._process.wait(timeout=10)

    def end(self) -> None:
        """End it, and whatever it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101
        for text in self._process.stdout:
            try:
                self._lines.put(json.loads(text))
            except ValueError:
                continue
        self._lines.put(None)
