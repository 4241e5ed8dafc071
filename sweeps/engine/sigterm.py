"""SIGTERM stays with the driver while Ray starts: Ray's Python, and its C++ part, would take it for themselves."""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LOOK_SECONDS = 0.01
_LARGEST = 512
"""Bytes: more than the system's description of a handler takes (152 on Linux x86_64)."""


def keep_sigterm() -> None:
    """Leave SIGTERM to us: Ray's handler leaves by ``sys.exit``, which in the middle of a start aborts its C++ part."""
    from ray._private import utils

    if hasattr(utils, "set_sigterm_handler"):
        utils.set_sigterm_handler = lambda handler: None


@contextmanager
def sigterm_held() -> Iterator[None]:
    """Put the system's handler of SIGTERM back whenever somebody replaces it, until the block ends.

    Ray's C++ part replaces it in the middle of ``ray.init`` (seen with Ray 2.60: the handler is another one afterwards).
    Until that returns Python may not hear of a SIGTERM. Only on Linux; elsewhere nothing is done.
    """
    system = ctypes.CDLL(None) if sys.platform == "linux" else None
    ours, now = ctypes.create_string_buffer(_LARGEST), ctypes.create_string_buffer(_LARGEST)
    if system is None or system.sigaction(signal.SIGTERM, None, ours) != 0:
        yield
        return
    ended = threading.Event()

    def put_back() -> None:
        if system.sigaction(signal.SIGTERM, None, now) == 0 and now.raw != ours.raw:
            system.sigaction(signal.SIGTERM, ours, None)

    def watch() -> None:
        while not ended.wait(_LOOK_SECONDS):
            put_back()

    watcher = threading.Thread(target=watch, name="sigterm", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        put_back()
