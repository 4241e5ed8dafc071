"""Telling a trial that failed from a machine that did: a full disk is no property of a pruned network."""

from __future__ import annotations

import errno

from prune_core.base.addresses import masked
from prune_core.base.own_code import OwnCodeFailed

_NAMES = ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EIO", "EACCES", "EPERM", "ESTALE")
ERRNOS = tuple(getattr(errno, name) for name in _NAMES if hasattr(errno, name))
WORDS = (
    "no space left",
    "os error 28",
    "file too large",
    "os error 27",
    "disk quota",
    "os error 122",
    "read-only file system",
)
"""What libraries that lose the errno (safetensors, zip writers) say."""


class MachineTrouble(OSError):
    """The disk is full, or not writable: nothing is recorded about the trial, which runs again when the cause is gone."""


def machine_trouble(error: BaseException) -> MachineTrouble | None:
    """Return what to raise where an error, or one it came from, is the machine's; else None."""
    seen: BaseException | None = error
    while seen is not None:
        lost = not isinstance(seen, OSError) and any(word in str(seen).lower() for word in WORDS)
        if lost or (isinstance(seen, OSError) and seen.errno in ERRNOS):
            return MachineTrouble(f"{type(seen).__name__}: {seen}")
        seen = seen.__cause__ or seen.__context__
    return None


def one_line(error: BaseException) -> str:
    """Return type and message of an error on one line; a type of ours is left out where the message names the true one."""
    text = " ".join(masked(str(error)).split())
    if isinstance(error, OwnCodeFailed):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
