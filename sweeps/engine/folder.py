"""The temporary folder of a Ray of our own: a short path, closed to others, gone with its driver, however that ended.

The system's temporary folder is shared: anybody may put a link, or a folder of their own, under a name like ours. So what is
removed is looked at without following links, must be a real folder of this user, and is emptied through the handle that was
looked at; a name that is exchanged in between leads nowhere.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

PREFIX = "pfray-"
ALIVE = "alive"
"""A file in each folder, locked by the driver that uses it; unlocked, nobody does. (A process number says less: it is given
out again, and another container that shares the folder counts its own.)"""
RAYS = "r"
"""Ray's part of the folder. Ray opens it to everybody (mode 0777); the folder around it (0700) lets nobody come that far."""
LONGEST = 17
"""Characters: Ray puts up to 90 more behind it, and the path of a Unix socket may have 107."""
YOUNG_SECONDS = 60.0
LAST_WRITES_SECONDS = 5.0

_held: set[Path] = set()
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LOCK = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def session_folder() -> Iterator[Path]:
    """Make a folder for one Ray, mode 0700, and remove it at the end; those that killed drivers left are removed too."""
    home = _home()
    _sweep_leftovers(home)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=home))
    _held.add(folder)
    try:
        with _handle(home) as at, _handle(folder) as inside:
            try:
                with FileLock(folder / ALIVE):
                    try:
                        yield folder
                    finally:
                        _empty(inside)
            finally:
                _remove_folder(folder.name, inside, at)
    finally:
        _held.discard(folder)


def held_folders() -> list[Path]:
    """Return the folders of the Rays that this process runs, starts, or is taking down."""
    return list(_held)


def remove_now(folder: Path, seconds: float = LAST_WRITES_SECONDS) -> None:
    """Remove a folder, lock and all, whose driver ends in the next moment, or is gone."""
    with suppress(OSError), _handle(folder.parent) as at, _handle(folder) as inside:
        _empty(inside, seconds)
        _remove_folder(folder.name, inside, at, seconds)


@contextmanager
def _handle(folder: Path | str, at: int | None = None) -> Iterator[int]:
    """Open a real folder, not a link to one.

    Raises:
        OSError: a link, no folder, or not ours to open.
    """
    handle = os.open(folder, _FOLDER, dir_fd=at)
    try:
        yield handle
    finally:
        os.close(handle)


def _home() -> Path:
    """Return the system's temporary folder if its path is short enough, else ``/tmp``; links in the path are resolved."""
    given = Path(os.path.realpath(tempfile.gettempdir()))
    return given if len(str(given)) <= LONGEST else Path("/tmp").resolve()  # noqa: S108


def _sweep_leftovers(home: Path) -> None:
    with suppress(OSError), _handle(home) as at:
        for name in os.listdir(at):  # noqa: PTH208  (a handle)
            if name.startswith(PREFIX):
                with suppress(OSError), _handle(name, at) as inside:
                    if _is_left(inside):
                        _empty(inside)
                        _remove_folder(name, inside, at)


def is_left(folder: Path) -> bool:
    """Return whether a folder is this user's and has no driver any more; a link, or another user's folder, never is."""
    try:
        with _handle(folder) as inside:
            return _is_left(inside)
    except OSError:
        return False


def _is_left(inside: int) -> bool:
    about = os.fstat(inside)
    if about.st_uid != os.geteuid():
        return False
    try:
        lock = os.open(ALIVE, _LOCK, dir_fd=inside)
    except FileNotFoundError:  # being made at this moment, or what is left of one that was being removed
        old = time.time() - about.st_mtime > YOUNG_SECONDS
        return old and all(name == RAYS or name.startswith("session") for name in os.listdir(inside))
    except OSError:
        return False
    try:
        found = os.fstat(lock)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            return False
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(lock)


def _empty(inside: int, seconds: float = LAST_WRITES_SECONDS) -> None:
    """Remove all but the lock, which goes last: whatever a killed driver leaves, the next one can tell that nobody holds it.

    Ray's last processes may still write while they end, so what appears again is removed again, for a few seconds.
    """
    end = time.monotonic() + seconds
    while rest := _all_but_the_lock(inside):
        for name in rest:
            _remove(name, inside)
        if time.monotonic() > end:
            return
        time.sleep(0.05)


def _all_but_the_lock(inside: int) -> list[str]:
    try:
        return [name for name in os.listdir(inside) if name != ALIVE]
    except OSError:  # somebody else removed it
        return []


def _remove_folder(name: str, inside: int, at: int, seconds: float = LAST_WRITES_SECONDS) -> None:
    """Remove the lock and the folder; what Ray's last processes write in between is removed again, for a few seconds."""
    with suppress(OSError):
        os.unlink(ALIVE, dir_fd=inside)
    end = time.monotonic() + seconds
    while True:
        for rest in _all_but_the_lock(inside):
            _remove(rest, inside)
        try:
            os.rmdir(name, dir_fd=at)
        except OSError as error:
            if error.errno != errno.ENOTEMPTY or time.monotonic() > end:
                return
            time.sleep(0.05)
        else:
            return


def _remove(name: str, at: int) -> None:
    with suppress(OSError):
        if stat.S_ISDIR(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
            shutil.rmtree(name, ignore_errors=True, dir_fd=at)
        else:
            os.unlink(name, dir_fd=at)
