"""The one error that a user can mend: it becomes one line on stderr and exit status 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BadInput(ValueError):
    """Something the user gave is wrong. The message is one line: what is wrong, where, what is allowed."""


PLUGGABLE = ("network", "dataset", "pruning method", "corruption", "objective", "column")
"""Kinds of names that a module of the user's own may add."""


class UnknownName(BadInput):
    """A name that no registry knows; the message carries the nearest names and the allowed ones."""

    def __init__(self, kind: str, name: object, allowed: Iterable[str]) -> None:
        known = sorted(allowed)
        near = difflib.get_close_matches(str(name).lower(), known, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        own = (
            "; one of your own comes with its module: --plugin MODULE, in a study plugins: [MODULE]"
            if kind in PLUGGABLE
            else ""
        )
        super().__init__(f"unknown {kind} {str(name)!r}{hint} (allowed: {', '.join(known) or 'none'}){own}")
        self.kind = kind
        self.name = name


class NotAtHand(BadInput):
    """Data that is not on this machine, and that a run would fetch."""


class UnknownOption(BadInput):
    """An option that nobody reads."""

    def __init__(self, message: str, option: str) -> None:
        super().__init__(message)
        self.option = option


class Diverged(ArithmeticError):
    """A loss or a metric stopped being finite: the trial ends with status ``diverged``."""


def first_line(error: BaseException) -> str:
    """Return the type and the first line of the message of somebody else's error, cut to what fits one line."""
    text = (str(error).strip() or "no reason given").splitlines()[0][:150]
    return f"{type(error).__name__}: {text}"
