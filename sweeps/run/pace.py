"""How fast trials end, and how long the rest takes: for a terminal beside the run, and for who reads the folder."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from sweeps.plan.workload import Workload

WINDOW_SECONDS = 900.0
"""A rate is that of the last quarter of an hour, or of as much of it as trials ran."""
FIRST_ENDS = 3
"""Trials that have to end before their pace says more than the plan does."""


def busy_rate(spans: Iterable[tuple[float, float]], window: float = WINDOW_SECONDS) -> float | None:
    """Return the trials that ended per minute, while any ran.

    Pauses between two runs of a study do not count, nor does the time since the last trial ended: a study that is done keeps
    the rate that it had.

    Args:
        spans: (start, end) in seconds, one per trial that ended; the end of the last one closes the window.
        window: seconds before that end which are looked at.

    Returns:
        None where no trial ended, or none took any time.
    """
    known = sorted((min(start, end), end) for start, end in spans)
    if not known:
        return None
    since = max(end for _, end in known) - window
    busy, reached = 0.0, since
    for start, end in known:
        busy += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    ended = sum(end > since for _, end in known)
    return 60.0 * ended / busy if busy > 0 else None


@dataclass
class Pace:
    """The pace of this run.

    Attributes:
        planned: seconds that the plan expects of the whole run, with the start of Ray; None where it does not know.
        started: when the first trial got a place, on the monotonic clock; None before that.
        ended: how many trials have ended since.
    """

    planned: float | None = None
    started: float | None = field(default=None, init=False)
    ended: int = field(default=0, init=False)
    _ends: deque[float] = field(default_factory=deque, init=False)

    def note_start(self, workload: Workload) -> None:
        """Take note of the first trial that gets a place; to be called often: what is asked now and then would come late."""
        if self.started is None and workload.in_place:
            self.started = time.monotonic()

    def note_end(self) -> None:
        """Take note that a trial ended."""
        now = time.monotonic()
        self.ended += 1
        self._ends.append(now)
        while self._ends[0] < now - WINDOW_SECONDS:
            self._ends.popleft()

    def per_minute(self) -> float | None:
        """Return the trials that ended per minute of late; None before one did. Ray's own start does not count."""
        if self.started is None or not self._ends:
            return None
        span = time.monotonic() - max(self.started, time.monotonic() - WINDOW_SECONDS)
        return 60.0 * len(self._ends) / max(span, 1.0)

    def left(self, workload: Workload) -> float | None:
        """Return the seconds left: what the plan says until a few trials ended, then at the pace so far.

        None where nobody knows: without a plan, or when it should be over by the plan and hardly a trial has ended.
        """
        self.note_start(workload)
        if self.started is None:
            return self.planned
        if self.ended < FIRST_ENDS:
            left = None if self.planned is None else self.planned - (time.monotonic() - self.started)
            return left if left is not None and left > 0 else None
        return (time.monotonic() - self.started) / self.ended * (workload.open + workload.to_come)
