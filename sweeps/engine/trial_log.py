"""A trial's own log, in its folder: who took it when, what it printed, how it ended; to be read wherever that is seen."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any, TextIO

from prune_core.base.files import read_json, write_json
from prune_core.base.trial_folder import OUTCOME
from sweeps.folder.paths import LOG, WHERE

MOST_BYTES = 4 * 2**20
"""What a log may grow to; a trial that prints more than that says the rest to nobody."""


class _Both:
    """A stream that also goes into the log."""

    def __init__(self, stream: TextIO, log: TrialLog) -> None:
        self._stream, self._log = stream, log

    def write(self, text: str) -> int:
        self._log.add(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class TrialLog:
    """The open log of a trial; what cannot be written is left out, since a log stops no trial.

    Args:
        folder: the trial's; made when missing.
    """

    def __init__(self, folder: Path) -> None:
        self._handle: int | None = None
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            self._handle = os.open(folder / LOG, flags, 0o644)
            self._size = os.fstat(self._handle).st_size

    def event(self, text: str) -> None:
        """Write one line of ours: time, machine, what happened."""
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime())
        self.add(f"{stamp} {socket.gethostname()} process {os.getpid()}: {' '.join(text.split())}\n")

    def add(self, text: str) -> None:
        """Write what was printed, as it is."""
        content = text.encode("utf-8", "replace")
        if self._handle is not None and self._size + len(content) <= MOST_BYTES:
            self._size += len(content)
            with suppress(OSError):
                os.write(self._handle, content)

    def close(self) -> None:
        """Close the file."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


@contextmanager
def trial_log(folder: Path, place: dict[str, Any]) -> Iterator[TrialLog]:
    """Log a trial while it runs in this process, with what it prints; say where it runs.

    Args:
        folder: the trial's.
        place: what is told of where, see `where_is`.
    """
    log = TrialLog(folder)
    with suppress(OSError):
        write_json(folder / WHERE, place)
    gpus = place.get("gpus")
    log.event(f"begins on node {place['node']}" + (f", GPUs {gpus}" if gpus else ""))
    try:
        with redirect_stdout(_Both(sys.stdout, log)), redirect_stderr(_Both(sys.stderr, log)):
            yield log
    except BaseException as error:
        log.event(f"leaves: {type(error).__name__}: {error}")
        raise
    finally:
        log.close()


def where_is(folder: Path) -> dict[str, Any] | None:
    """Return where a trial was last taken: ``node`` (its id in Ray), ``host``, ``process``, ``gpus``, ``since``; or None."""
    try:
        found = read_json(folder / WHERE)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def where_seconds(folder: Path) -> float | None:
    """Return the seconds from when a worker took a trial until its outcome was written; None where that is not known."""
    try:
        ended = (folder / OUTCOME).stat().st_mtime
        seconds = ended - float((where_is(folder) or {})["since"])
    except (OSError, KeyError, TypeError, ValueError):
        return None
    return seconds if seconds > 0 else None


def tell_log(folder: Path, text: str) -> None:
    """Write one line into a trial's log from outside: the driver saw something happen to it."""
    log = TrialLog(folder)
    log.event(text)
    log.close()


def here() -> dict[str, Any]:
    """Return where this worker of Ray is, as `where_is` reads it."""
    import ray

    return {
        "node": ray.get_runtime_context().get_node_id(),
        "host": socket.gethostname(),
        "process": os.getpid(),
        "gpus": os.environ.get("CUDA_VISIBLE_DEVICES") or None,
        "since": time.time(),
    }
