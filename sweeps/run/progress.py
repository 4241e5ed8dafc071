"""What the user sees while a sweep runs: trials done, running, waiting, failed; the front so far; the time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from prune_core.base.addresses import masked
from prune_core.base.plain_text import printable
from sweeps.front.text import front_heads
from sweeps.plan.workload import Workload

_LINE_SECONDS = 15.0
_LIVE_SECONDS = 1.0
_LIVE_ROWS = 12


@dataclass
class Pace:
    """Estimates the time left from the trials that ended in this run."""

    started: float | None = None
    ended: int = 0

    def left(self, workload: Workload) -> float | None:
        """Return the seconds left at the pace so far, or None before a few trials ended; Ray's own start does not count."""
        if self.started is None and workload.in_place:
            self.started = time.monotonic()
        if self.started is None or self.ended < 3:
            return None
        todo = workload.waiting + len(workload.running)
        return (time.monotonic() - self.started) / self.ended * todo


def duration(seconds: float) -> str:
    """Return seconds as people say them: ``45 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 d 4 h``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def say(console: Console, line: str) -> None:
    """Print one line as it is: no markup, no colours, no breaks."""
    console.print(printable(masked(line)), soft_wrap=True, highlight=False, markup=False)


class Progress:
    """A live table on a terminal, a line now and then elsewhere.

    Args:
        console: where it is shown.
        workload: whose state is shown.
        front: returns the lines of the front so far; called at most once per shown state that differs.
        heads: of the columns of those lines.
        places: says how the places for trials stand, and why nothing starts; empty while nobody knows.
    """

    def __init__(
        self,
        console: Console,
        workload: Workload,
        front: Callable[[], tuple[list[tuple[str, ...]], str]],
        heads: Sequence[str] | None = None,
        places: Callable[[], str] = lambda: "",
    ) -> None:
        self._console = console
        self._workload = workload
        self._front = front
        self._heads = heads
        self._places = places
        self.pace = Pace()
        self._last = 0.0
        self._shown_ended = -1
        self._front_due = 0.0
        self._rows: list[tuple[str, ...]] = []
        self._note = ""
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None

    def __enter__(self) -> Progress:
        if self._live is not None:
            self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.__exit__(None, None, None)

    def tick(self, *, force: bool = False) -> None:
        """Show the state if it is time."""
        now = time.monotonic()
        if not force and now - self._last < (_LIVE_SECONDS if self._live is not None else _LINE_SECONDS):
            return
        self._last = now
        if self._live is None:
            self._console.print(self.line(), highlight=False, soft_wrap=True)
            return
        if self.pace.ended != self._shown_ended and now >= self._front_due:
            self._shown_ended = self.pace.ended
            self._rows, self._note = self._front()
            # a large study's table takes a while to read: at most a twentieth of the driver's time goes into it
            self._front_due = time.monotonic() + 20 * (time.monotonic() - now)
        self._live.update(self._table(), refresh=True)

    def line(self) -> str:
        """Return the state as one line."""
        done = list(self._workload.done.values())
        bad = sum(status != "complete" for status in done)
        left = self.pace.left(self._workload)
        parts = [
            f"{len(done)} of {self._workload.known} trials done",
            f"{self._workload.in_place} running",
            f"{self._workload.waiting + self._workload.unplaced} waiting",
        ]
        if bad:
            parts.append(f"{bad} failed or diverged")
        if left is not None:
            parts.append(f"about {duration(left)} left")
        if places := self._places():
            parts.append(places)
        return ", ".join(parts)

    def _table(self) -> Table:
        return front_table(self.line(), self._rows[:_LIVE_ROWS], self._note, self._heads)


def front_table(title: str, rows: list[tuple[str, ...]], note: str, heads: Sequence[str] | None = None) -> Table:
    """Return the front as a table for a terminal, by default under the headlines; without rows only the title shows."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    if not rows:
        return table
    table.caption, table.caption_justify = note, "left"
    for place, name in enumerate(front_heads() if heads is None else heads):
        table.add_column(name, justify="right" if place else "left")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))  # as it is: a name is no markup
    return table
