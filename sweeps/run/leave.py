"""How a driver ends at once: a line that says how to go on, nothing of a Ray of our own left, and the process gone."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
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
    return lambda: leave(last_words=partial(say, console, how_to_go_on(out)))


def end_view() -> None:
    """Leave a terminal as a live view that nobody ends found it.

    From a signal handler, or from another thread than the view's: nothing is locked, and nothing is buffered.
    """
    with suppress(OSError, ValueError, AttributeError):  # no output any more, or none ever
        out = sys.stdout.fileno()
        if os.isatty(out) and os.environ.get("TERM") != "dumb":
            os.write(out, _CURSOR)


def leave(status: int = 130, *, last_words: Callable[[], object] = lambda: None) -> None:
    """End this process now; what trials wrote stays, nothing of a Ray of our own does, and the cursor is back.

    Args:
        status: the exit status.
        last_words: tells the user, where the terminal takes anything.
    """
    try:
        speaker = threading.Thread(target=_say_and_end_view, args=(last_words,), daemon=True)
        speaker.start()
        speaker.join(_SAY_SECONDS)
        abandon()
    finally:
        os._exit(status)


def _say_and_end_view(last_words: Callable[[], object]) -> None:
    with suppress(OSError, ValueError):  # nobody reads any more
        last_words()
    end_view()
