"""How a running sweep is asked to stop: signals set a flag, a token file carries it to the workers on every node."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from sweeps.folder.paths import STOP

GRACE_SECONDS = 8.0
"""After SIGTERM (a preempted node) the driver leaves within ten seconds, whatever its trials do."""


class Interrupted(KeyboardInterrupt):
    """Somebody asks this process to end, by SIGINT or SIGTERM: raised in the main thread by `interrupting`."""


class StopRequest:
    """Set once by a signal or by the clock; workers see it through the token file.

    Attributes:
        token: the file that the workers look at.
        reason: why the sweep is to stop: ``interrupted``, ``terminated``, ``time``, ``disk`` or ``code``; None while it
            is not.
        cause: more about the reason, for people.
        signal_number: of the first signal, also when it came after another reason.
    """

    def __init__(self, out: Path) -> None:
        self.token = self.token_of(out)
        self.token.unlink(missing_ok=True)
        self.reason: str | None = None
        self.cause: str | None = None
        self.signal_number: int | None = None
        self._leaving: threading.Timer | None = None

    @staticmethod
    def token_of(out: Path) -> Path:
        """Return where the token of an output folder lies."""
        return out / STOP

    def ask(self, reason: str, signal_number: int | None = None, cause: str | None = None) -> None:
        """Ask every trial to stop at its next step, keeping what it has; the first reason stands."""
        self.signal_number = self.signal_number or signal_number
        if self.reason is None:
            self.reason, self.cause = reason, cause
            try:
                self.token.touch()
            except OSError:  # a full disk: the trials end with the driver's Ray session instead
                return

    def leave_soon(self, leave: Callable[[], None], seconds: float = GRACE_SECONDS) -> None:
        """Call ``leave`` after so many seconds, unless `clear` comes first."""
        if self._leaving is None:
            self._leaving = threading.Timer(seconds, leave)
            self._leaving.daemon = True
            self._leaving.start()

    def clear(self) -> None:
        """Remove the token; nobody is made to leave any more."""
        if self._leaving is not None:
            self._leaving.cancel()
        self.token.unlink(missing_ok=True)


@contextmanager
def listening(request: StopRequest, kill_now: Callable[[], None]) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into ``request.ask``; a second one calls ``kill_now`` and leaves at once (130).

    SIGTERM also starts the clock after which ``kill_now`` is called in any case, from a thread of its own.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, _frame: FrameType | None) -> None:
        if request.signal_number is not None:
            kill_now()
            os._exit(130)
        request.ask("interrupted" if number == signal.SIGINT else "terminated", number)
        if number == signal.SIGTERM:
            request.leave_soon(kill_now)

    with _handled_by(handle):
        yield


@contextmanager
def interrupting(leave: Callable[[], None], seconds: float = GRACE_SECONDS) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into `Interrupted`, for work that has no trials to stop; a second one calls ``leave``.

    SIGTERM also starts the clock after which ``leave`` is called in any case, from a thread of its own: a library may be in
    the middle of what it does not leave.

    Args:
        leave: ends this process.
        seconds: on that clock.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    clock = threading.Timer(seconds, leave)
    clock.daemon = True
    asked: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if asked:
            leave()
            return
        asked.append(number)
        if number == signal.SIGTERM:
            clock.start()
        raise Interrupted

    try:
        with _handled_by(handle):
            yield
    finally:
        clock.cancel()


@contextmanager
def _handled_by(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def token_watch(token: Path, every: float = 0.5) -> Callable[[], bool]:
    """Return a cheap ``should_stop`` for a worker: looks at the token file at most once per ``every`` seconds."""
    last = [0.0]
    stop = [False]

    def should_stop() -> bool:
        now = time.monotonic()
        if not stop[0] and now - last[0] >= every:
            last[0] = now
            stop[0] = token.exists()
        return stop[0]

    return should_stop
