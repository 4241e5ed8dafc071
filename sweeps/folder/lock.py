"""One driver per output folder: a file lock for this host, a heartbeat for the others."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from prune_core.base.errors import BadInput
from prune_core.base.files import read_json, write_json
from sweeps.folder.links import refuse_links
from sweeps.folder.paths import DRIVER, DRIVER_LOCK

HEARTBEAT_SECONDS = 10.0
TRY_SECONDS = 0.5
"""Who looks whether somebody drives the folder holds its lock for a moment."""
STALE_SECONDS = 60.0
"""A holder on another host that has not beaten for this long is taken for dead (file locks may not cross hosts)."""


def holder_of(out: Path) -> dict[str, Any] | None:
    """Return who drives the folder now (``host``, ``process``, ``since``, ``heartbeat``), or None when nobody does."""
    try:
        holder: dict[str, Any] = read_json(out / DRIVER)
        beat = float(holder.get("heartbeat", 0))
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    if holder.get("host") == socket.gethostname():
        lock = FileLock(out / DRIVER_LOCK)
        try:
            with lock.acquire(timeout=0):
                return None
        except (Timeout, OSError):
            return holder
    return holder if time.time() - beat < STALE_SECONDS else None


@contextmanager
def driving(out: Path) -> Iterator[None]:
    """Hold the output folder for this process.

    Raises:
        BadInput: another driver holds it, and the line names its host and process; or a link in it leads out.
        OSError: the folder cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    refuse_links(out)
    lock = FileLock(out / DRIVER_LOCK)
    other = holder_of(out)
    if other is not None and other.get("host") != socket.gethostname():
        raise BadInput(_refusal(out, other))
    try:
        lock.acquire(timeout=TRY_SECONDS, poll_interval=TRY_SECONDS / 10)
    except Timeout:
        raise BadInput(_refusal(out, other or {})) from None
    ended = threading.Event()
    record = {"host": socket.gethostname(), "process": os.getpid(), "since": time.time()}
    beat = threading.Thread(target=_beat, args=(out / DRIVER, record, ended), name="heartbeat", daemon=True)
    try:
        write_json(out / DRIVER, {**record, "heartbeat": time.time()})
        beat.start()
        yield
    finally:
        ended.set()
        if beat.is_alive():
            beat.join()
        (out / DRIVER).unlink(missing_ok=True)
        lock.release()


def take_back(out: Path) -> None:
    """Remove an output folder in which nothing is but its lock, and that nobody drives."""
    lock = FileLock(out / DRIVER_LOCK)
    try:
        with lock.acquire(timeout=0):
            if [path.name for path in out.iterdir()] == [DRIVER_LOCK]:
                (out / DRIVER_LOCK).unlink()
                out.rmdir()
    except (Timeout, OSError):
        return


def _beat(path: Path, record: dict[str, Any], ended: threading.Event) -> None:
    while not ended.wait(HEARTBEAT_SECONDS):
        try:
            write_json(path, {**record, "heartbeat": time.time()})
        except OSError:
            continue  # a full disk must not end the sweep through its heartbeat; the lock itself still holds


def _refusal(out: Path, holder: dict[str, Any]) -> str:
    who = f"host {holder.get('host', 'unknown')}, process {holder.get('process', 'unknown')}"
    if "heartbeat" in holder:
        who += f", heartbeat {max(0.0, time.time() - float(holder['heartbeat'])):.0f} s ago"
    return f"{out}: another run is at work in this folder ({who}); wait for it, stop it, or give another --out"
