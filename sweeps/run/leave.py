"""How a driver ends at once: a line that says how to go on, nothing of a Ray of our own left, and the process gone."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from sweeps.engine.leaving import abandon
from sweeps.run.progress import say

_SAY_SECONDS = 0.5
"""A terminal that takes nothing (paused, its connection lost) keeps nobody here."""

_CURSOR = b"\n\x1b[?25h"
"""Ends the view's last line, and shows the cursor that it hides."""


def how_to_go_on(out: Path) -> str:
    """Return what is said of a run that was interrupted, whatever it was doing."""
    return f"interrupted; what is finished is kept in {out}: run the same command again to go on"


def leaving(console: Console, out: Path) -> Callable[[], None]:
    """Return what says how to go on with a folder and then ends this process; any thread may call it."""

    def leave_now() -> None:
        speaker = threading.Thread(target=say, args=(console, how_to_go_on(out)), daemon=True)
        speaker.start()
        speaker.join(_SAY_SECONDS)
        leave()

    return leave_now


def end_view() -> None:
    """Leave a terminal as a live view that nobody ends found it.

    From a signal handler, or from another thread than the view's: nothing is locked, and nothing is buffered.
    """
    with suppress(OSError, ValueError, AttributeError):  # no output any more, or none ever
        out = sys.stdout.fileno()
        if os.isatty(out) and os.environ.get("TERM") != "dumb":
            os.write(out, _CURSOR)


def leave(status: int = 130) -> None:
    """End this process now; what trials wrote stays, nothing of a Ray of our own does, and the cursor is back."""
    try:
        end_view()
        abandon()
    finally:
        os._exit(status)
