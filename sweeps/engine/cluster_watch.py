"""Whether the cluster's head still answers: without it calls into Ray hang, and after a minute Ray ends the process."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOOK_SECONDS = 5.0
_RAY_PATIENCE = "RAY_gcs_rpc_server_reconnect_timeout_s"
RAY_PATIENCE_SECONDS = 60.0
"""Ray's own limit, unless that variable says another; we speak before it does."""
OUR_SHARE = 0.75


@contextmanager
def watching(head: str | None, lost: Callable[[float], None], look_seconds: float = LOOK_SECONDS) -> Iterator[None]:
    """Call ``lost`` from a thread, once, when nobody has listened at the head's address for most of Ray's patience.

    The main thread cannot look: it may hang in a call into Ray.

    Args:
        head: ``HOST:PORT`` of the head; None watches nothing.
        lost: told the seconds since the last answer.
        look_seconds: between two looks.
    """
    if head is None:
        yield
        return
    ended = threading.Event()
    watch = threading.Thread(target=_watch, args=(head, lost, look_seconds, ended), name="cluster", daemon=True)
    watch.start()
    try:
        yield
    finally:
        ended.set()


def _watch(head: str, lost: Callable[[float], None], look_seconds: float, ended: threading.Event) -> None:
    patience = OUR_SHARE * float(os.environ.get(_RAY_PATIENCE) or RAY_PATIENCE_SECONDS)
    answered = time.monotonic()
    while not ended.wait(look_seconds):
        if answers(head):
            answered = time.monotonic()
        elif time.monotonic() - answered > patience:
            lost(time.monotonic() - answered)
            return


def answers(head: str) -> bool:
    """Return whether somebody listens at ``HOST:PORT``."""
    host, _, port = head.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=LOOK_SECONDS):
            return True
    except OSError:
        return False
