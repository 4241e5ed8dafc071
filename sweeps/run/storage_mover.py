"""Moves the weights and logits of finished trials to object storage, beside the sweep, which never waits for it."""

from __future__ import annotations

import atexit
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from prune_core.base.errors import BadInput
from prune_core.metrics.numbers import counted
from sweeps.folder.paths import trial_folder
from sweeps.storage.files import AGAIN_SECONDS, copy_away, prefix_of, to_send
from sweeps.storage.place import ObjectStorage, StoreDown
from sweeps.study.model import Study

LEAVE_SECONDS = 2.0
"""How long a driver that was asked to stop waits for the file that is on its way; a half one does not count."""


class Mover:
    """Sends files away on a thread of its own. Without ``storage`` in the study it does nothing.

    Args:
        study: says where to.
        out: the output folder.
        runs: whether a trial runs just now: its files are left alone.

    Raises:
        BadInput: the study's ``storage`` is none.
    """

    def __init__(self, study: Study, out: Path, runs: Callable[[str], bool]) -> None:
        self._address = study.storage or ""
        self._out, self._runs = out, runs
        self._at_once = study.keep == "all"  # else most would be removed again at the end
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._failed: tuple[float, str] | None = None
        if self._address:
            try:
                ObjectStorage(self._address)
            except StoreDown as error:
                self._failed = (time.monotonic(), str(error))
            self._prefix = prefix_of(out, study.name)

    def offer(self, keys: Iterable[str]) -> None:
        """Send the files of trials that have ended, when their turn comes."""
        if not (self._address and self._at_once):
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True, name="storage")
            self._thread.start()
        for key in keys:
            self._waiting.put(key)

    def finish(self, keys: Iterable[str], *, patient: bool) -> str | None:
        """Stop the thread and send what is left; return a line when files stay here, else None.

        Args:
            keys: of every trial that has ended.
            patient: False when somebody waits for us to leave: nothing more is sent.
        """
        if not self._address:
            return None
        ended = list(keys)
        self._stop.set()
        self._waiting.put(None)
        if self._thread is not None:
            self._thread.join(None if patient else LEAVE_SECONDS)
            if self._thread.is_alive():
                atexit.register(_leave)
        if patient:
            self._failed = None
            for key in ended:
                self._send(key)
        left = sum(len(to_send(budget)) for key in ended for budget in self._budgets(key))
        if not left:
            return None
        cause = f" ({self._failed[1]})" if self._failed is not None else ""
        files = counted(left, "file")
        return f"storage: {files} of weights and logits not sent from this machine yet{cause}; the next start sends them"

    def _work(self) -> None:
        while (key := self._waiting.get()) is not None and not self._stop.is_set():
            self._send(key)

    def _budgets(self, key: str) -> list[Path]:
        return sorted(trial_folder(self._out, key).glob("budget-*"))

    def _send(self, key: str) -> None:
        for folder in self._budgets(key):
            for name in to_send(folder):
                if self._failed is not None and time.monotonic() < self._failed[0] + AGAIN_SECONDS:
                    return
                try:
                    self._move(key, folder, name)
                except (StoreDown, OSError, BadInput) as error:
                    self._failed = (time.monotonic(), str(error))

    def _move(self, key: str, folder: Path, name: str) -> None:
        before = _stamp(folder / name)
        copy_away(folder, name, self._address, self._prefix)
        self._failed = None
        if not self._runs(key) and _stamp(folder / name) == before:  # else it is another file by now
            (folder / name).unlink(missing_ok=True)


def _leave() -> None:
    """End an interrupted driver whose storage hangs: pyarrow, at exit, would wait minutes for what is under way."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(130)


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size
