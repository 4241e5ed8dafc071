"""Signs of life of a trial, and the question whether it should stop: both at every step."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from prune_core.base.files import write_json
from prune_core.base.trial_folder import PROGRESS
from prune_core.training import Interrupted
from prune_core.training.curve import NOTE, write_curve

BEAT_SECONDS = 2.0


class Watch:
    """Writes ``progress.json`` at most every `BEAT_SECONDS`, and asks ``should_stop``.

    Args:
        folder: the trial's.
        should_stop: asked at every tick; None never stops.
    """

    def __init__(self, folder: Path, should_stop: Callable[[], bool] | None = None) -> None:
        self._path = folder / PROGRESS
        self._should_stop = should_stop
        self._last = 0.0
        self._place: dict[str, object] = {"phase": "start", "epoch": 0, "of": 0}

    def enter(self, phase: str, epoch: int = 0, of: int = 0) -> None:
        """Say what comes now: a phase, epochs done, epochs in all. A new phase is always written."""
        changed = phase != self._place["phase"]
        self._place = {"phase": phase, "epoch": epoch, "of": of}
        self._beat(now=changed)

    def epoch(self, phase: str, done: int, of: int, notes: Mapping[str, Any]) -> None:
        """Say that an epoch of training ended, and write its curve from the notes of its state."""
        write_curve(self._path.parent, phase, notes.get(NOTE, []))
        self.enter(phase, done, of)

    def tick(self) -> bool:
        """Show a sign of life; return whether somebody asked to stop."""
        self._beat()
        return self._should_stop is not None and self._should_stop()

    def check(self, *_: object) -> None:
        """Like `tick`, but raise `Interrupted`; whatever arguments a progress callback brings are ignored."""
        if self.tick():
            raise Interrupted(f"interrupted in {self._place['phase']}")

    def corrupting(self, done: int, total: int, text: str) -> None:
        """Like `check`, for the making of corrupted images: also say how many cells of how many there are."""
        self._place = {"phase": "corrupt images", "epoch": done, "of": total}
        self.check()

    def _beat(self, *, now: bool = False) -> None:
        if now or time.monotonic() - self._last >= BEAT_SECONDS:
            self._last = time.monotonic()
            write_json(
                self._path, {**self._place, "heartbeat": time.time(), "host": socket.gethostname(), "process": os.getpid()}
            )
