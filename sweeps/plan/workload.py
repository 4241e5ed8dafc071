"""Which trial may start next. Knows nothing of Ray: the launcher asks, reports what ended, and asks again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from sweeps.plan.trials import PlannedTrial, with_budgets_of


class Candidates(Protocol):
    """Where further trials come from when those at hand run out: a search, or nothing."""

    def more(self, count: int, *, wait: bool = True) -> list[PlannedTrial]:
        """Return trials of up to ``count`` further candidates; empty when there is nothing to try right now.

        Without ``wait`` also empty while the search thinks.
        """
        ...

    def ended(self, key: str) -> None:
        """Take note that a trial's folder has its outcome."""
        ...

    @property
    def exhausted(self) -> bool:
        """Whether no further candidate will ever come."""
        ...

    @property
    def to_come(self) -> int:
        """How many more trials may still be asked for."""
        ...


class Workload:
    """Trials that wait, run and are done, with pruning trials held back while another trial makes their baseline.

    Where no other will (a baseline trial that is complete, but whose entry of the store is gone), the first makes it itself.

    Args:
        trials: the trials known from the start, in the order in which they should run.
        ended: says for a trial what its folder holds: ``complete``, another final status, or None when it is to be run.
        baseline_failure: the cause why a baseline cannot be had (by its key), or None.
        block: writes the outcome of a trial that can never run, with its cause.
        candidates: further trials, asked for only when fewer than ``ahead`` trials wait.
        afterwards: asked once for further trials, when everything else has ended.
    """

    def __init__(
        self,
        trials: Iterable[PlannedTrial],
        *,
        ended: Callable[[PlannedTrial], str | None],
        baseline_ready: Callable[[str], bool],
        baseline_failure: Callable[[str], str | None],
        block: Callable[[PlannedTrial, str], None],
        candidates: Candidates | None = None,
        ahead: int = 2,
        afterwards: Callable[[], Iterable[PlannedTrial]] | None = None,
    ) -> None:
        self._ended = ended
        self._baseline_ready = baseline_ready
        self._baseline_failure = baseline_failure
        self._block = block
        self._candidates = candidates
        self._ahead = ahead
        self._afterwards = afterwards
        self._waiting: dict[str, PlannedTrial] = {}
        self._makers: dict[str, str] = {}  # trial that makes its baseline -> that baseline; few, whatever waits
        self._known: set[str] = set()
        self._placed: set[str] = set()
        self._alone: set[str] = set()
        self.limit: Callable[[], int] | None = None
        """How many trials may be under way or wait while a further candidate is asked for; None for any number."""
        self.running: dict[str, PlannedTrial] = {}
        """Trials that were handed out, whether they have a place yet or not."""
        self.done: dict[str, str] = {}
        self.add(trials)

    @property
    def waiting(self) -> int:
        """How many trials wait for a place or for their baseline."""
        return len(self._waiting)

    @property
    def unplaced(self) -> int:
        """How many trials were handed out and have no place yet."""
        return len(self.running) - len(self._placed)

    @property
    def in_place(self) -> int:
        """How many trials have a place."""
        return len(self._placed)

    @property
    def placed(self) -> list[PlannedTrial]:
        """The trials that have a place, in the order in which they were handed out."""
        return [trial for key, trial in self.running.items() if key in self._placed]

    def take_place(self, key: str) -> None:
        """Take note that a worker took a trial."""
        if key in self.running:
            self._placed.add(key)

    def lose_place(self, key: str) -> None:
        """Take note that a trial lost its worker, and waits for another."""
        self._placed.discard(key)

    @property
    def known(self) -> int:
        """How many trials there are so far, whatever their state."""
        return len(self._known)

    @property
    def open(self) -> int:
        """How many of the trials known so far have not ended: they run, wait, or were called back when the sweep stopped."""
        return len(self._known) - len(self.done)

    @property
    def to_come(self) -> int:
        """How many more trials a search may still ask for."""
        return 0 if self._candidates is None else self._candidates.to_come

    def add(self, trials: Iterable[PlannedTrial]) -> None:
        """Take in trials; one that is known already grows by the budgets that it lacks."""
        for trial in trials:
            self._known.add(trial.key)
            status = self._ended(trial)
            if status is not None:
                if trial.key not in self._waiting and trial.key not in self.running:
                    self.done[trial.key] = status
                if self._candidates is not None:
                    self._candidates.ended(trial.key)
                continue
            self.done.pop(trial.key, None)
            self._waiting[trial.key] = self._joined(trial) if trial.key in self._waiting else trial
            if trial.kind in ("baseline", "dense"):
                self._makers[trial.key] = trial.baseline_key

    def next(self) -> PlannedTrial | None:
        """Return a trial that may start now, and count it as running; None when none may."""
        self.ask_ahead()
        found, hopeless = self._first_ready()
        for trial, cause in hopeless:
            self._give_up(trial, f"its baseline failed: {cause}")
        if found is not None:
            self.running[found.key] = self._waiting.pop(found.key)
        return found

    def _first_ready(self) -> tuple[PlannedTrial | None, list[tuple[PlannedTrial, str]]]:
        """Return the first trial that may start, and those before it whose baseline failed, with the cause."""
        asked: dict[str, tuple[bool, str | None]] = {}  # each baseline once: thousands of trials may wait for one
        made = {trial.baseline_key for trial in self.running.values()}
        made |= {baseline for key, baseline in self._makers.items() if key in self._waiting}
        hopeless: list[tuple[PlannedTrial, str]] = []
        if self._alone & self.running.keys():
            return None, hopeless
        waiting = self._waiting.items()
        for key, trial in sorted(waiting, key=lambda each: each[0] in self._alone) if self._alone else waiting:
            base = trial.baseline_key
            if key in self.running or (key in self._alone and self.running):
                continue
            if trial.kind in ("baseline", "dense"):
                return trial, hopeless
            if base not in asked:
                ready = self._baseline_ready(base)
                asked[base] = ready, None if ready else self._baseline_failure(base)
            ready, cause = asked[base]
            if cause is not None:
                hopeless.append((trial, cause))
            elif ready or base not in made:
                return trial, hopeless
        return None, hopeless

    def finished(self, key: str, status: str | None) -> None:
        """Take note that a trial came back; without a final status it is interrupted and stays to be done."""
        self.running.pop(key, None)
        self._placed.discard(key)
        if status is None:
            return
        self.done[key] = status
        if self._candidates is not None:
            self._candidates.ended(key)

    def again(self, key: str) -> None:
        """Let a trial that came back unfinished wait until no other one runs or may start, and then run alone."""
        trial = self.running.pop(key)
        self._placed.discard(key)
        self._alone.add(key)
        self.add([trial])

    def begin_again(self, key: str) -> None:
        """Let a trial whose worker is gone wait again, first; what it has finished meanwhile, its next worker will find."""
        self._wait_first([self.running.pop(key)])

    def take_back(self) -> None:
        """Let all that was running wait again, first: its workers are gone."""
        lost, self.running = list(self.running.values()), {}
        self._wait_first(lost)

    def _wait_first(self, trials: list[PlannedTrial]) -> None:
        again = {trial.key: self._joined(trial) if trial.key in self._waiting else trial for trial in trials}
        self._waiting = again | {key: trial for key, trial in self._waiting.items() if key not in again}
        self._placed -= again.keys()

    def _joined(self, trial: PlannedTrial) -> PlannedTrial:
        return with_budgets_of(trial, self._waiting[trial.key])

    @property
    def exhausted(self) -> bool:
        """Whether everything has ended and nothing more will come."""
        return self._idle and self._afterwards is None

    @property
    def _idle(self) -> bool:
        return not self.running and not self._waiting and (self._candidates is None or self._candidates.exhausted)

    def ask_ahead(self) -> None:
        """Take in further candidates until some trials wait; what has ended already needs no Ray."""
        self._ask_candidates()
        if self._afterwards is not None and self._idle:
            ask, self._afterwards = self._afterwards, None
            self.add(ask())

    def _ask_candidates(self) -> None:
        while self._candidates is not None and not self._candidates.exhausted and self._want_more:
            trials = self._candidates.more(1, wait=not self.running)
            if not trials:
                return
            self.add(trials)

    @property
    def _want_more(self) -> bool:
        known = len(self._waiting)
        return known < self._ahead and (self.limit is None or known + len(self.running) < self.limit())

    def _give_up(self, trial: PlannedTrial, cause: str) -> None:
        del self._waiting[trial.key]
        self._block(trial, cause)
        self.done[trial.key] = "failed"
        if self._candidates is not None:
            self._candidates.ended(trial.key)
