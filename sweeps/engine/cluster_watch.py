"""Whether the cluster's head still answers, and is still the one that this driver connected to.

Without its head calls into Ray hang, and after a minute Ray ends the process. When another head has taken the old one's
address, Ray's C++ part ends the process at its next question, with status 1 and a stack on the terminal; we look first, and
what it writes while nobody answers is kept off the terminal.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

LOOK_SECONDS = 5.0
GONE_LOOK_SECONDS = 0.05
"""Between two looks while nobody answers: a head that was started anew is to be met here before Ray meets it."""
_RAY_PATIENCE = "RAY_gcs_rpc_server_reconnect_timeout_s"
RAY_PATIENCE_SECONDS = 60.0
"""Ray's own limit, unless that variable says another; we speak before it does."""
OUR_SHARE = 0.75


class Told(Protocol):
    """Who is told, from a thread, what becomes of the head."""

    def silent(self, patience: float) -> None:
        """Nobody listens at its address; that is waited for so many seconds."""

    def back(self) -> None:
        """The same cluster answers again."""

    def lost(self, seconds: float) -> None:
        """Nobody has listened for so many seconds; the last that is told."""

    def anew(self) -> None:
        """Another cluster answers at its address; the last that is told."""


@contextmanager
def watching(head: str | None, told: Told, look_seconds: float = LOOK_SECONDS) -> Iterator[None]:
    """Look after the head from a thread; the main thread cannot, since it may hang in a call into Ray.

    It is lost when nobody has listened at its address for most of Ray's patience.

    Args:
        head: ``HOST:PORT`` of the head; None watches nothing.
        told: who is told.
        look_seconds: between two looks.
    """
    if head is None:
        yield
        return
    ended = threading.Event()
    watch = threading.Thread(target=_watch, args=(head, told, look_seconds, ended), name="cluster", daemon=True)
    watch.start()
    try:
        yield
    finally:
        ended.set()


def _watch(head: str, told: Told, look_seconds: float, ended: threading.Event) -> None:
    while not ended.is_set():
        line = connected(head)
        if line is not None:
            with line:
                _until_closed(line, look_seconds)
        elif not ended.is_set() and not _comes_back(head, told, ended):
            return


def _comes_back(head: str, told: Told, ended: threading.Event) -> bool:
    """Wait for a head that does not answer; return whether there is more to watch."""
    patience = OUR_SHARE * float(os.environ.get(_RAY_PATIENCE) or RAY_PATIENCE_SECONDS)
    since, said = time.monotonic(), False
    with native_messages_held():
        while not ended.wait(GONE_LOOK_SECONDS):
            if answers(head):
                mine, there = own_cluster(), cluster_at(head)
                if mine is not None and there is not None and mine != there:
                    told.anew()
                    return False
                if said:
                    told.back()
                return True
            if not said:
                told.silent(patience)
                said = True
            if time.monotonic() - since > patience:
                told.lost(time.monotonic() - since)
                return False
    return False


def _until_closed(line: socket.socket, seconds: float) -> None:
    """Wait so long, or until the other side has closed: the system says so at once when its process ends."""
    end = time.monotonic() + seconds
    with suppress(OSError):
        while (left := end - time.monotonic()) > 0:
            if select.select([line], [], [], left)[0] and not line.recv(4096):
                return


def connected(head: str) -> socket.socket | None:
    """Return a connection to ``HOST:PORT``, or None where nobody listens."""
    host, _, port = head.rpartition(":")
    try:
        return socket.create_connection((host.strip("[]"), int(port)), timeout=LOOK_SECONDS)
    except OSError:
        return None


def answers(head: str) -> bool:
    """Return whether somebody listens at ``HOST:PORT``."""
    line = connected(head)
    if line is not None:
        line.close()
    return line is not None


def own_cluster() -> str | None:
    """Return which cluster this process is connected to, as Ray numbers them; None for none, yet."""
    from ray._private import worker

    node = getattr(worker.global_worker, "node", None)
    number = getattr(node, "cluster_id", None)
    return None if number is None else str(number.hex())


def cluster_at(head: str) -> str | None:
    """Return which cluster has its head at ``HOST:PORT``; None where it does not say."""
    from ray import _raylet
    from ray.exceptions import RayError

    raylet: Any = _raylet  # compiled, and its types say less than it has
    try:
        return str(raylet.GcsClient(address=head).cluster_id.hex())
    except (RayError, RuntimeError, OSError):  # it is not up yet, or lets nobody in
        return None


_holding = threading.Lock()


@contextmanager
def native_messages_held() -> Iterator[Callable[[], str]]:
    """Hold what C++ writes to the terminal's error stream, and show it afterwards; it is gone where C++ ends the process.

    What Python writes is shown at once. Yields what returns the text that is held so far, which is not shown then any more.
    While another thread holds it, nothing is done.
    """
    if sys.stderr is None or not _holding.acquire(blocking=False):  # started without one; or two would restore crosswise
        yield str
        return
    try:
        sys.stderr.flush()
        terminal, shown = os.dup(2), sys.stderr
        with tempfile.TemporaryFile() as held, os.fdopen(terminal, "w", buffering=1, errors="replace") as python:

            def take() -> str:
                held.seek(0)
                text = held.read().decode(errors="replace")
                held.seek(0)
                held.truncate()
                return text

            os.dup2(held.fileno(), 2)
            sys.stderr = python
            try:
                yield take
            finally:
                sys.stderr = shown
                os.dup2(terminal, 2)
                held.seek(0)
                os.write(2, held.read())
    finally:
        _holding.release()
