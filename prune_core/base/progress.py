"""How far something long is: one line on a terminal, nothing in a file."""

from __future__ import annotations

import sys
from collections.abc import Callable

from prune_core.base.plain_text import printable

Told = Callable[[int, int, str], None]
"""``told(done, in all, what is being done)``."""


def on_terminal(done: int, total: int, text: str) -> None:
    """Show on stderr how far something is, on one line that is cleared in the end; say nothing where that is no terminal."""
    if sys.stderr.isatty():
        shown = "" if done >= total else f"{100 * done // max(total, 1):3d} % {printable(text)}"
        sys.stderr.write(f"\r\x1b[K{shown}")
        sys.stderr.flush()
