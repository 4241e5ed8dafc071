"""What to try next: the whole grid, a random part of it, or Optuna by ask and tell. None of them knows Ray.

A proposer hands out candidates and is told, once each, the mean of every selection column over the candidate's seeds;
a candidate that failed or lacks a seed is told None. Nothing is handed out twice.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from prune_core.base.seeds import numpy_generator
from sweeps.search.space import ArmSpace, Axis, Candidate, Choices, Space, Span, Value

if TYPE_CHECKING:
    from sweeps.search.optuna_study import OptunaBooks

__all__ = ["ArmSpace", "Candidate", "Choices", "GridSearch", "Known", "Proposer", "RandomSearch", "Space", "Span", "Values"]

Values = Mapping[str, float]
"""Mean over the seeds, by column; holds at least the objectives and the columns of the limits."""


Known = Mapping[str, "Values | None"]
"""What the folder says, by candidate key: values, or None for a candidate that has failed."""


class Proposer(Protocol):
    """What every search can do."""

    def next(self, count: int, *, wait: bool = True) -> list[Candidate]:
        """Return up to ``count`` candidates to run now; fewer when it waits for results or has nothing left.

        Without ``wait`` also fewer when it has to think for longer than a moment: it goes on thinking, ask again.
        """

    def tell(self, candidate: Candidate, values: Values | None, status: str = "complete") -> None:
        """Say how a candidate ended: its means with status ``complete``, or ``stopped`` and its means there; else None."""

    def reconcile(self, known: Known) -> None:
        """Take in, before the first `next`, what the output folder holds already."""

    @property
    def done(self) -> bool:
        """Whether nothing more will be proposed; what was handed out may still be running."""

    @property
    def left(self) -> int:
        """How many more candidates will be proposed at most."""


class GridSearch:
    """Every given candidate, in the given order, but those that are known already.

    Args:
        candidates: the plan's candidates in the plan's order.
        books: where candidates that have ended are written down for optuna-dashboard; None writes nothing.

    Attributes:
        problem: one line when the last write into the books failed: the grid goes on, the next start writes it.
    """

    def __init__(self, candidates: Iterable[Candidate], books: OptunaBooks | None = None) -> None:
        self._order = [candidate.numbered(number) for number, candidate in enumerate(candidates)]
        self._waiting = {candidate.key: candidate for candidate in self._order}
        self._books = books
        self.problem: str | None = None

    def next(self, count: int, *, wait: bool = True) -> list[Candidate]:
        """Return the next ``count`` candidates of the order."""
        return [self._waiting.pop(key) for key in list(self._waiting)[: max(0, count)]]

    def tell(self, candidate: Candidate, values: Values | None, status: str = "complete") -> None:
        """Write down how a candidate ended."""
        self._waiting.pop(candidate.key, None)
        if self._books is not None:
            books, stopped = self._books, status == "stopped"
            told = values if stopped or status == "complete" else None
            self.problem = books.attempt(lambda: books.close_row(candidate, told, stopped=stopped))

    def reconcile(self, known: Known) -> None:
        """Take known candidates out of the order, and bring the books in line."""
        for key in known:
            self._waiting.pop(key, None)
        if self._books is not None:
            books = self._books
            self.problem = books.attempt(lambda: books.reconcile(known, taken_up=()))

    @property
    def done(self) -> bool:
        """Whether every candidate was handed out or known."""
        return not self._waiting

    @property
    def left(self) -> int:
        """How many more candidates will be proposed."""
        return len(self._waiting)


class RandomSearch(GridSearch):
    """Candidates drawn at random, the same for the same seed, without repetition.

    Args:
        space: what may be drawn.
        count: how many; None draws a finite space empty.
        seed: of the order.
        books: as for `GridSearch`.

    Raises:
        BadInput: ``count`` is None and the space is continuous.
    """

    def __init__(self, space: Space, count: int | None, seed: int, books: OptunaBooks | None = None) -> None:
        if space.size is not None or count is None:
            everything = list(space.candidates())
            order = numpy_generator(seed, "random search").permutation(len(everything))
            drawn = [everything[position] for position in order[:count]]
        else:
            # without a rate (budget 0) the same candidate may come again: it does not count twice
            stream = (draw(space, seed, number) for number in itertools.count())
            different: dict[str, Candidate] = {}
            while len(different) < count:
                candidate = next(stream)
                different.setdefault(candidate.key, candidate)
            drawn = list(different.values())
        super().__init__(drawn, books)


def draw(space: Space, *parts: object) -> Candidate:
    """Return one candidate of the space at random: an arm first, then each of its axes; seeded by the parts."""
    random = numpy_generator("draw", *parts)
    arm = space.arms[int(random.integers(len(space.arms)))]
    return arm.candidate({name: _drawn(axis, float(random.random())) for name, axis in arm.axes().items()})


def _drawn(axis: Axis, u: float) -> Value:
    """Return the axis's value at quantile ``u`` in [0, 1)."""
    if isinstance(axis, Choices):
        return axis.values[int(u * len(axis.values))]
    if axis.log:
        return axis.near(math.exp(math.log(axis.low) + u * (math.log(axis.high) - math.log(axis.low))))
    return axis.near(axis.low + u * (axis.high - axis.low))
