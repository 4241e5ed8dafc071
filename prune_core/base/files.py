"""Writing files so that nobody ever reads half of one: temporary name beside the target, flush, rename."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prune_core.base.limits import JSON_BYTES, size_text

_LOOK_AGAIN_SECONDS = 0.2


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the target's folder; on success it replaces ``path`` atomically, else it is removed.

    The file is new, and its mode is what the user's umask leaves of 0666.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / _temporary_name(path.name)
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666))
    try:
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def temporary_folder(target: Path) -> Path:
    """Make a new folder beside ``target``, to be renamed to it; its mode is what the user's umask leaves of 0777."""
    temporary = target.parent / _temporary_name(target.name)
    temporary.mkdir()
    return temporary


def _temporary_name(name: str) -> str:
    return f".{name}.{secrets.token_hex(4)}.tmp"  # drawn from 4 billion: a name that is taken is an error, never reused


def is_abandoned(path: Path, seconds: float) -> bool:
    """Return whether a file or folder has not changed for so long; a link is looked at itself, and what is gone is not."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return not stat.S_ISLNK(found.st_mode) and time.time() - found.st_mtime > seconds


@contextmanager
def alone_in(folder: Path, waiting: Callable[[], object]) -> Iterator[None]:
    """Hold a folder until the block ends: of the processes of one machine that ask for it, one has it at a time.

    It saves work and nothing else: where the file system has no locks, nobody waits, and racers make the same file. A
    process that is killed lets go.

    Args:
        folder: there already.
        waiting: called a few times a second while another process has it; may raise, which ends the waiting.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        while not _held(handle):
            waiting()
            time.sleep(_LOOK_AGAIN_SECONDS)
        yield
    finally:
        os.close(handle)


def _held(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no locks here
        return True
    return True


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call ``write`` with a temporary path, then rename it to ``path``."""
    with replacing(path) as temporary:
        write(temporary)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as readable JSON, atomically; NaN is a programming error (ValueError)."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        OSError: it cannot be read.
        UnicodeDecodeError, json.JSONDecodeError: it is no JSON, larger than a JSON file may be, or nested too deeply.
    """
    size = path.stat().st_size
    if size > JSON_BYTES:
        raise json.JSONDecodeError(f"{size_text(size)}, more than the {size_text(JSON_BYTES)} of a JSON file", "", 0)
    return parse_json(path.read_text(encoding="utf-8"))


def parse_json(text: str) -> Any:
    """Return what a JSON text says.

    Raises:
        json.JSONDecodeError: it is no JSON, nested too deeply, or has a number of thousands of digits.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise json.JSONDecodeError("nested too deeply", "", 0) from None
    except ValueError as error:
        raise json.JSONDecodeError(str(error), "", 0) from None
