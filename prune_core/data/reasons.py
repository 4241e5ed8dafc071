"""Other libraries' errors in one line."""

from __future__ import annotations


def reason(error: BaseException) -> str:
    """Return what an error says, first line only; its type where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(": ") if lines else type(error).__name__
