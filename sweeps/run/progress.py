"""What the user sees while a sweep runs: how many trials are done, what runs, the front so far, the time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from prune_core.base.addresses import masked
from prune_core.base.plain_text import printable
from prune_core.metrics.numbers import duration
from sweeps.front.text import FrontTable
from sweeps.plan.trials import PlannedTrial
from sweeps.plan.workload import Workload
from sweeps.run.pace import Pace

_LINE_SECONDS = 15.0
_LIVE_SECONDS = 1.0
_LIVE_ROWS = 12
_RUNNING_ROWS = 8

Doing = Callable[[PlannedTrial], Mapping[str, Any] | None]
"""Returns a trial's last sign of life (`prune_core.base.trial_folder.read_progress`), or None before there is one."""


def rate_text(per_minute: float) -> str:
    """Return a rate of trials as people say it: ``58 trials a minute``, ``2.5 trials an hour``."""
    if per_minute >= 1:
        return f"{per_minute:.0f} trials a minute" if per_minute >= 9.95 else f"{per_minute:.1f} trials a minute"
    return f"{60 * per_minute:.0f} trials an hour" if per_minute >= 0.166 else f"{60 * per_minute:.1f} trials an hour"


def doing_text(progress: Mapping[str, Any] | None) -> str:
    """Return what a trial does: ``fine-tune, 1 of 2 epochs``, or ``starting`` before it said anything."""
    if progress is None:
        return "starting"
    phase, of = str(progress.get("phase", "")), progress.get("of")
    if not of or phase not in ("baseline", "fine-tune", "from scratch"):
        return phase
    said = "training" if phase == "baseline" else phase
    return f"{said}, {progress.get('epoch')} of {of} epoch{'s' * (of != 1)}"


def say(console: Console, line: str) -> None:
    """Print one line as it is: no markup, no colours, no breaks."""
    console.print(printable(masked(line)), soft_wrap=True, highlight=False, markup=False)


class Progress:
    """A live view on a terminal, a line now and then elsewhere; both from the first second.

    Args:
        console: where it is shown.
        workload: whose state is shown.
        front: returns the front so far; called at most once per shown state that differs.
        doing: says what a running trial does.
        planned: seconds that the plan expects of the run; None where it does not know.
        places: says how the places for trials stand, and why nothing starts; empty while nobody knows.
    """

    def __init__(
        self,
        console: Console,
        workload: Workload,
        front: Callable[[], FrontTable],
        *,
        doing: Doing = lambda trial: None,
        planned: float | None = None,
        places: Callable[[], str] = lambda: "",
    ) -> None:
        self._console = console
        self._workload = workload
        self._front = front
        self._places = places
        self._doing = doing
        self.pace = Pace(planned)
        self._last = 0.0
        self._ray_runs = False
        self._over = False
        self._shown_ended = -1
        self._front_due = 0.0
        self._shown_front = FrontTable()
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None

    def __enter__(self) -> Progress:
        if self._live is not None:
            self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.__exit__(None, None, None)

    def tick(self, *, force: bool = False) -> None:
        """Show the state if it is time; Ray calls it while it runs, and who forces it does so before and after."""
        now = time.monotonic()
        self.pace.note_start(self._workload)
        self._ray_runs = self._ray_runs or not force
        if not force and now - self._last < (_LIVE_SECONDS if self._live is not None else _LINE_SECONDS):
            return
        self._last = now
        if self._live is None:
            say(self._console, self.line())
            return
        if self.pace.ended != self._shown_ended and now >= self._front_due:
            self._shown_ended = self.pace.ended
            self._shown_front = self._front()
            # a large study's table takes a while to read: at most a twentieth of the driver's time goes into it
            self._front_due = time.monotonic() + 20 * (time.monotonic() - now)
        self._live.update(self.view(), refresh=True)

    def end(self) -> None:
        """Show the state as Ray has ended: nothing starts any more."""
        self._over = True
        self.tick(force=True)

    def line(self, *, with_running: bool = True) -> str:
        """Return the state as one line.

        Args:
            with_running: end it with what runs, as far as two trials go.
        """
        load, rate = self._workload, self.pace.per_minute()
        left = None if self._over else self.pace.left(load)
        bad = sum(status != "complete" for status in load.done.values())
        parts = [
            f"{len(load.done)} of {'up to ' * (load.to_come > 0)}{self._all} trials done",
            f"{load.in_place} running",
            f"{load.open - load.in_place} waiting",
            *([f"{bad} failed or diverged"] if bad else []),
            *([rate_text(rate)] if rate is not None else []),
            *([f"about {duration(left)} left"] if left is not None and len(load.done) < self._all else []),
        ]
        if places := self._places():
            parts.append(places)
        now = [f"{trial.name} ({doing})" for trial, doing in self._running(2)] if with_running else []
        if not load.in_place and self.pace.started is None and len(load.done) < self._all and not self._over:
            begins = f"; {'the workers are' if self._ray_runs else 'Ray is'} starting"
            return ", ".join(parts) + ("" if places else begins)
        more = load.in_place - len(now)
        return ", ".join(parts) + (f"; {', '.join(now)}" + (f" and {more} more" if more > 0 else "") if now else "")

    def view(self) -> RenderableType:
        """Return the state as a terminal shows it: the line, a bar, what runs, and the front once it has a candidate."""
        parts: list[RenderableType] = [Text(printable(self.line(with_running=False)), style="bold")]
        bar = Table.grid()  # a bar alone does not end its line
        width = min(60, self._console.width)
        bar.add_row(ProgressBar(total=max(self._all, 1), completed=len(self._workload.done), width=width))
        parts.append(bar)
        shown = self._running(_RUNNING_ROWS)
        if shown:
            grid = Table("", Column(overflow="fold"), "", box=None, pad_edge=False, show_header=False)
            for trial, doing in shown:
                grid.add_row(Text("running", style="green"), Text(printable(trial.name)), Text(printable(doing)))
            parts.append(grid)
        if self._workload.in_place > len(shown):
            parts.append(Text(f"and {self._workload.in_place - len(shown)} more running"))
        if self._shown_front:
            parts.append(drawn_front("the front so far", self._shown_front, _LIVE_ROWS))
        return Group(*parts)

    @property
    def _all(self) -> int:
        return self._workload.known + self._workload.to_come

    def _running(self, most: int) -> list[tuple[PlannedTrial, str]]:
        return [(trial, doing_text(self._doing(trial))) for trial in self._workload.placed[:most]]


def drawn_front(title: str, front: FrontTable, most: int | None = None) -> Table:
    """Return the front as a table for a terminal, at most so many of its rows; there is at least one."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.caption, table.caption_justify = front.note, "left"
    for place, name in enumerate(front.heads):
        table.add_column(name, justify="right" if place else "left", overflow="fold")  # no end of a name is cut off
    for row in front.rows[:most]:
        table.add_row(*(Text(printable(cell)) for cell in row))  # as it is: a name is no markup
    return table
