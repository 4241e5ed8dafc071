"""The one error that a user can mend: it becomes one line on stderr and exit status 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class BadInput(ValueError):
    """Something the user gave is wrong. The message is one line: what is wrong, where, what is allowed."""


PLUGGABLE = ("network", "dataset", "pruning method", "corruption", "objective", "column")
"""Kinds of names that a module of the user's own may add."""

_LISTED_BY = {
    **dict.fromkeys(("corruption", "objective", "column", "key"), "prunefront studies --keys"),
    "study": "prunefront studies",
    "command": "prunefront --help",
}
_FEW = 12
"""So many names are read at a glance; of more, only the nearest are said."""


def choices(kind: str, name: object, allowed: Sequence[str]) -> str:
    """Return what to give in place of an unknown name, as the end of its message.

    A few names are all listed. Of many, those that look like what was given are said, with the command that lists the rest;
    all are listed where none looks like it, or where no command lists them.
    """
    near = difflib.get_close_matches(str(name).lower(), allowed, n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    if near and len(allowed) > _FEW and kind in _LISTED_BY:
        return f"{hint} (allowed: those that `{_LISTED_BY[kind]}` lists)"
    return f"{hint} (allowed: {', '.join(allowed) or 'none'})"


class UnknownName(BadInput):
    """A name that no registry knows; the message carries the nearest names, or the allowed ones."""

    def __init__(self, kind: str, name: object, allowed: Iterable[str]) -> None:
        own = (
            "; one of your own needs its module: --plugin MODULE, in a study plugins: [MODULE]" if kind in PLUGGABLE else ""
        )
        super().__init__(f"unknown {kind} {str(name)!r}{choices(kind, name, sorted(allowed))}{own}")
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
