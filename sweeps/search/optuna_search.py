"""Optuna by ask and tell: its samplers think about our rows, the rows are ours.

Each ask builds a study in memory from the rows, with a sampler seeded by (search seed, number of the ask), asks it once,
and writes the answer down as a running row. What a sampler proposes so depends on the rows and on nothing else: a search
that was killed and taken up again goes on as if nothing had happened, and an ask never waits for a database. It is asked
in a thread: a sampler that thinks for seconds holds up nothing that runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from prune_core.base.errors import BadInput
from sweeps.samplers import DEFAULT
from sweeps.search.asking import Asker, PriceOf, Thought
from sweeps.search.competition import Competition, Decision, Extra, More
from sweeps.search.measured import Measured
from sweeps.search.optuna_study import ASKED, OptunaBooks
from sweeps.search.outlook import note_outlook
from sweeps.search.pool import CostsOf
from sweeps.search.search import Known, Values
from sweeps.search.space import KEY, Candidate

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

MOMENT = 0.1
"""Seconds that an ask may take before who does not wait is told to come again."""
PAUSE = 2.0
"""Seconds after which a storage that failed is tried a second time."""


class OptunaSearch:
    """A search by one of Optuna's samplers over several objectives, with limits as constraints.

    Args:
        books: the study in Optuna's storage; holds space, objectives and limits.
        count: how many different candidates to ask for; None only for a finite space, all of it.
        seed: of the search.
        sampler: a name of `SAMPLERS`.
        batch: ask so many, wait for all, tell in the order of their keys: the same search on any machine. None asks
            whenever something is free, and then the order in which trials end matters.
        together: the candidates of a batch are compared with each other, so a batch that a killed driver left open is
            handed out again as a whole.
        costs: returns what is known beforehand of an arm at a ratio, by column; None: nothing.
        until: the search ends when the sampler expects trying all that is left to add no larger share of the hypervolume;
            with batches that is asked between two of them.
        price: what trying a candidate costs, where its gain is to be weighed against that.

    Raises:
        UnknownName: no such sampler.
        BadInput: no count for a continuous space.
    """

    def __init__(
        self,
        books: OptunaBooks,
        count: int | None,
        seed: int,
        *,
        sampler: str = DEFAULT,
        batch: int | None = None,
        together: bool = False,
        costs: CostsOf | None = None,
        until: float | None = None,
        price: PriceOf | None = None,
    ) -> None:
        self._space = books.parameters.space
        if count is None and self._space.size is None:
            raise BadInput("search.candidates: a continuous axis needs a number of candidates")
        sizes = [size for size in (count, self._space.size) if size is not None]
        self._books, self._batch = books, batch
        self._limit = min(sizes)
        self._ready: list[Candidate] = []
        self._held: dict[str, tuple[Values | None, bool]] = {}
        self._again: set[str] = set()
        self._new_seeds = 1
        self._together, self._until, self._enough = together, until, False
        known = costs or (lambda arm, ratio: {})
        self._asker = Asker(books, seed, sampler, known, expects=until is not None, price=price)
        self._known: Known = {}
        self._thinker = ThreadPoolExecutor(1, "search")
        self._thought: Future[Thought | Decision] | None = None
        self._competition: Competition | None = None
        self._told_as: Callable[[Collection[str]], More] = lambda told: {}
        self._more: tuple[tuple[frozenset[str], int], More] = (frozenset(), 0), {}
        self._extras: list[Extra] = []
        self._seeds_run = False

    @property
    def wanted(self) -> int:
        """How many candidates may be asked for without extra seeds."""
        return self._limit

    def compete(self, competition: Competition, seeds: int, told_as: Callable[[Collection[str]], More]) -> None:
        """Let extra seeds compete with new candidates, between two batches.

        Args:
            competition: decides, and remembers.
            seeds: of the study, with which a new candidate is measured.
            told_as: returns what candidates with extra seeds are told as, given the keys of those that were told.
        """
        self._competition, self._new_seeds, self._told_as = competition, seeds, told_as

    def next_seeds(self) -> list[Extra]:
        """Return the extra seeds that were decided on and not handed out yet; until `seeds_ended` nothing else is asked."""
        extras, self._extras = self._extras, []
        return extras

    def seeds_left_open(self, extras: Sequence[Extra]) -> None:
        """Take in extra seeds that an earlier run decided on and that have not ended."""
        self._extras, self._seeds_run = list(extras), bool(extras)

    def seeds_ended(self) -> None:
        """Take note that the extra seeds that were handed out have ended."""
        self._seeds_run = False

    def reconcile(self, known: Known) -> None:
        """Take in what the folder holds, and what a killed driver left open.

        Open rows whose candidate is known are told, the others are handed out again, and so are rows that were told and
        whose candidate the folder has not any more, since the study has got further seeds or another recipe, or what
        failed is to be tried again. A new database is told everything that is known; for one that holds asked rows
        already, known candidates without a row are kept as answers, so that the search goes on as it would have done.
        """
        self._known = dict(known)
        asked = self._asked()
        if not asked:
            self._asker.allowed.demand_some()
        order = {str(row.user_attrs[KEY]): int(row.user_attrs[ASKED]) for row in asked}
        names = [str(row.user_attrs[KEY]) for row in asked if not row.state.is_finished()]
        lacking = {key for key, at in order.items() if key not in known and at < self._limit}
        self._again = {key for key in lacking - set(names) if self._asker.allowed(Candidate.from_key(key))}
        if self._together:
            self._known = known = {key: known[key] for key in known if key not in names}
        if self._batch is not None:
            self._held = {key: (known[key], False) for key in names if key in known}
        told = {key: values for key, values in known.items() if not asked or self._books.row(key) is not None}
        self._books.reconcile({key: told[key] for key in told if key not in self._held}, taken_up=names)
        ready = self._again | (set(names) - known.keys())
        self._ready = [Candidate.from_key(key, at) for key, at in order.items() if key in ready]
        self._tell_batch()

    def next(self, count: int, *, wait: bool = True) -> list[Candidate]:
        """Return up to ``count`` candidates: those left open first, then newly asked ones.

        Raises:
            ConnectionError: the storage does not take the asked candidate.
        """
        while len(self._ready) < count and self._may_ask():
            candidate = self._ask(len(self._asked()), wait)
            if candidate is None:
                break
            if candidate.key in self._known:
                values = self._known[candidate.key]
                stopped = isinstance(values, Measured) and values.stopped
                self.tell(candidate, values, "stopped" if stopped else "complete")
            else:
                self._ready.append(candidate)
        taken, self._ready = self._ready[:count], self._ready[count:]
        return taken

    def tell(self, candidate: Candidate, values: Values | None, status: str = "complete") -> None:
        """Take in how a candidate ended; in a batch it is held back until all of the batch are there.

        Raises:
            ConnectionError: the storage does not take it.
        """
        stopped = status == "stopped"
        values = values if stopped or status == "complete" else None
        if self._batch is None or candidate.key in self._again:
            self._again.discard(candidate.key)
            self._write(partial(self._books.close_row, candidate, values, stopped=stopped))
        else:
            self._held[candidate.key] = values, stopped
            self._tell_batch()

    @property
    def done(self) -> bool:
        """Whether nothing more will be proposed."""
        return self.left == 0 and not self._extras

    @property
    def left(self) -> int:
        """How many more candidates will be proposed at most."""
        return len(self._ready) + self._left()

    def _asked(self) -> list[FrozenTrial]:
        return [row for row in self._books.rows() if ASKED in row.user_attrs]

    def _left(self) -> int:
        """How many more candidates may be asked for: never more than the space has without a row and within the limits."""
        if self._enough:
            return 0
        asked = len(self._asked())
        limit = self._limit if self._competition is None else min(self._limit, self._competition.limit)
        wanted = max(0, limit - asked)
        possible = self._asker.allowed.left(self._seen()) if wanted else 0
        return wanted if possible is None else min(wanted, possible)

    @property
    def note(self) -> str | None:
        """One line where the search ended before its number because nothing is left that may keep the limits."""
        books, asked = self._books, len(self._asked())
        if self._enough or self._left() or asked >= self._limit or not books.limits:
            return None
        limits = self._asker.allowed.text
        return f"search ended after {asked} of {self._limit} candidates: all others are known to miss {limits}"

    def _seen(self) -> set[str]:
        return {str(row.user_attrs[KEY]) for row in self._books.rows() if KEY in row.user_attrs}

    def _may_ask(self) -> bool:
        if self._left() == 0 or self._seeds_run or self._again:
            return False
        asked = self._asked()
        return self._batch is None or len(asked) % self._batch != 0 or all(row.state.is_finished() for row in asked)

    def _tell_batch(self) -> None:
        """Tell a batch in the order of its keys once all of it was asked for and has ended."""
        if self._batch is None:
            return
        asked = self._asked()
        if len(asked) % self._batch and self._left():
            return
        waiting = [str(row.user_attrs[KEY]) for row in asked if not row.state.is_finished()]
        if all(key in self._held for key in waiting):
            for key in sorted(waiting):
                values, stopped = self._held[key]
                self._write(partial(self._books.close_row, Candidate.from_key(key), values, stopped=stopped))
                del self._held[key]

    def _write(self, write: Callable[[], None]) -> None:
        """Write into the books, a second time when that fails: a database may be away for a moment."""
        problem = self._books.attempt(write)
        if problem is not None:
            time.sleep(PAUSE)
            problem = self._books.attempt(write)
        if problem is not None:
            raise ConnectionError(f"{problem}; nothing that was finished is lost, run the same command again")

    def _ask(self, number: int, wait: bool) -> Candidate | None:
        """Return a candidate that was never asked for, and write it down as running; None while the sampler thinks."""
        if self._thought is None:
            self._thought = self._begin(number)
        try:
            thought = self._thought.result(None if wait else MOMENT)
        except TimeoutError:
            return None
        self._thought = None
        if isinstance(thought, Decision):
            if self._competition is not None:
                self._competition.note(thought)
            if not thought.chosen:
                return self._ask(number, wait)
            self.seeds_left_open([extra for extra, _ in thought.chosen])
            return None
        if thought.outlook is not None and self._is_enough(number, thought.outlook):
            self._enough = True
            return None
        self._write(partial(self._books.open_row, thought.candidate, asked=number, system=thought.system))
        return thought.candidate

    def _begin(self, number: int) -> Future[Thought | Decision]:
        """Let the sampler think about the next candidate, or between two batches first about extra seeds."""
        rows, batch, race = self._shown_rows(), self._batch, self._competition
        if race is not None and batch is not None and number and number % batch == 0 and not race.settled(number):
            return self._thinker.submit(self._asker.weigh_seeds, number, rows, race, batch, self._new_seeds)
        return self._thinker.submit(self._asker, number, self._seen(), rows)

    def _shown_rows(self) -> list[FrozenTrial]:
        """Return the books; candidates that have extra seeds with their means over all of them."""
        rows = self._books.rows()
        if self._competition is None or not self._competition.given:
            return rows
        told = frozenset(str(row.user_attrs[KEY]) for row in rows if KEY in row.user_attrs and row.values)
        known = told, len(self._competition.given)
        if self._more[0] != known:
            self._more = known, self._told_as(told)
        return [self._books.with_more(row, self._more[1]) for row in rows]

    def _is_enough(self, number: int, outlook: Mapping[str, Any]) -> bool:
        """Write down what the sampler expects; return whether the search ends with that."""
        between = self._batch is None or number % self._batch == 0
        if not between:
            return False
        rows = self._books.rows()
        key_of = self._asker.names(rows)
        named = [(key_of(params), share) for params, share in outlook["front"]]
        front = [(key, share) for key, share in named if key is not None]
        return note_outlook(self._books.out, outlook, front, sum(bool(row.values) for row in rows), self._until)
