"""The temporary folder of a Ray of our own: a short path, gone when its driver is gone, however that ended."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX = "pfray-"
ALIVE = "alive"
"""A file in each folder, locked by the driver that uses it; unlocked, nobody does. (A process number says less: it is given
out again, and another container that shares the folder counts its own.)"""
LONGEST = 17
"""Characters: Ray puts up to 90 more behind it, and the path of a Unix socket may have 107."""
YOUNG_SECONDS = 60.0
LAST_WRITES_SECONDS = 5.0


@contextmanager
def session_folder() -> Iterator[Path]:
    """Make a folder for one Ray, and remove it at the end; those that killed drivers left are removed too."""
    home = _home()
    _sweep_leftovers(home)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=home))
    try:
        with FileLock(folder / ALIVE):
            try:
                yield folder
            finally:
                _empty(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _empty(folder: Path) -> None:
    """Remove all but the lock, which goes last: whatever a killed driver leaves, the next one can tell that nobody holds it.

    Ray's last processes may still write while they end, so what appears again is removed again, for a few seconds.
    """
    end = time.monotonic() + LAST_WRITES_SECONDS
    while rest := _all_but_the_lock(folder):
        for path in rest:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        if time.monotonic() > end:
            return
        time.sleep(0.05)


def _all_but_the_lock(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.name != ALIVE]
    except OSError:  # somebody else removed it
        return []


def _home() -> Path:
    """Return the system's temporary folder if its path is short enough, else ``/tmp``."""
    given = Path(tempfile.gettempdir())
    return given if len(str(given)) <= LONGEST else Path("/tmp")  # noqa: S108


def _sweep_leftovers(home: Path) -> None:
    for folder in home.glob(f"{PREFIX}*"):
        if is_left(folder):
            _empty(folder)
            shutil.rmtree(folder, ignore_errors=True)


def is_left(folder: Path) -> bool:
    """Return whether a folder has no driver any more."""
    try:
        if not (folder / ALIVE).exists():  # being made at this moment, or what is left of one that was being removed
            return folder.is_dir() and time.time() - folder.stat().st_mtime > YOUNG_SECONDS
        with FileLock(folder / ALIVE).acquire(timeout=0):
            return True
    except (Timeout, OSError):
        return False
