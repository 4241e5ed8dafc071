"""Calls of what a user's own module registered: whatever it raises becomes one line that says which module, and where."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from prune_core.base.errors import BadInput, Diverged, first_line


class OwnCodeFailed(BadInput):
    """A user's own function raised something; the cause is what it raised."""


@contextmanager
def own_code(what: str, module: str | None) -> Iterator[None]:
    """Call a user's own function within the block.

    Args:
        what: is called, for people: ``metric margin``.
        module: that it is from (`Registry.module`); None for what ships, whose errors stay as they are.

    Raises:
        OwnCodeFailed: the function raised something. Too little memory stays what it is: the machine's, not the function's.
    """
    try:
        yield
    except (BadInput, Diverged, MemoryError):
        raise
    except Exception as error:  # outside code may raise anything
        if module is None or type(error).__name__ == "OutOfMemoryError":  # torch's; not everybody here imports it
            raise
        raise OwnCodeFailed(f"{what} of the module {module}{_line(module, error)}: {first_line(error)}") from error


def _line(module: str, error: Exception) -> str:
    """Return in which line of the module the error came up; empty where it was elsewhere."""
    file = getattr(sys.modules.get(module), "__file__", None)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f", line {lines[-1]}" if lines else ""
