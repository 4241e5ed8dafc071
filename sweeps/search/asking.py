"""One question to a sampler: a study in memory is built from the rows, asked, and forgotten.

What is proposed is a function of the rows, the search's seed and the number of the ask. A candidate that was asked for
before, or is known to miss a limit, is refused and the sampler asked again; in the end one at random is taken.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from prune_core.base.errors import BadInput
from prune_core.base.seeds import derive_seed, numpy_generator
from sweeps.samplers import DEFAULT, SAMPLERS, ChoosesFrom, SaysWhatItExpects, Weighs, WeighsSeeds
from sweeps.search.allowed import Allowed
from sweeps.search.competition import Competition, Decision
from sweeps.search.optuna_study import STOPPED_AT, OptunaBooks
from sweeps.search.parameters import parameters_text
from sweeps.search.pool import CostsOf, Pool
from sweeps.search.search import draw
from sweeps.search.space import KEY, Candidate
from sweeps.search.walks import Walks

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

PriceOf = Callable[[Candidate, Collection[int]], float]
"""What trying a candidate costs, above 0, where the same was tried at some other budgets."""
REDRAWS = 10
"""How often a proposal that is refused is drawn again before one at random is taken."""


@dataclass(frozen=True)
class Thought:
    """What a sampler answered.

    Attributes:
        candidate: to try next.
        system: what it noted at the trial.
        outlook: what it expects; None where it says nothing.
    """

    candidate: Candidate
    system: Mapping[str, Any]
    outlook: Mapping[str, Any] | None


class Asker:
    """Asks one of Optuna's samplers.

    Args:
        books: holds space, objectives and limits.
        seed: of the search.
        sampler: a name of `SAMPLERS`.
        costs: returns what is known beforehand of an arm at a ratio, by column.
        expects: the sampler must say what it expects.
        price: what trying a candidate costs after it was tried at some budgets, which the sampler is to weigh its gain
            against; None: all the same.

    Raises:
        UnknownName: no such sampler.
    """

    def __init__(
        self,
        books: OptunaBooks,
        seed: int,
        sampler: str,
        costs: CostsOf,
        *,
        expects: bool = False,
        price: PriceOf | None = None,
    ) -> None:
        self._make: Callable[[int], object] = SAMPLERS.get(sampler)
        self._books, self._seed, self._sampler, self._expects = books, seed, sampler, expects
        self._price = price
        self.allowed = Allowed(books, costs)
        self._costs = costs

    @cached_property
    def _walks(self) -> Walks | None:
        """How candidates that walk are shown to a sampler that is told what it may choose from; others see them as rows."""
        walked = self._books.parameters.space.walked()
        return Walks(walked) if walked is not None and isinstance(self._made(0), ChoosesFrom) else None

    @cached_property
    def _pool(self) -> Pool:
        return Pool(self._books, self._seed, self._costs, self.allowed, self._walks)

    def names(self, rows: Sequence[FrozenTrial]) -> Callable[[Mapping[str, Any]], str | None]:
        """Return who says which candidate's parameters, as the sampler knows them, some are.

        Args:
            rows: the books.
        """
        asked = {parameters_text(row.params): str(row.user_attrs[KEY]) for row in rows if KEY in row.user_attrs}

        def key_of(params: Mapping[str, Any]) -> str | None:
            shown = None if self._walks is None else self._walks.shown.get(parameters_text(params))
            if shown is not None:
                return shown[0].key
            return self._pool.key_of(params) or asked.get(parameters_text(params))

        return key_of

    def __call__(self, number: int, seen: Collection[str], rows: Sequence[FrozenTrial]) -> Thought:
        """Return the next candidate.

        Args:
            number: of the ask.
            seen: keys of the candidates that have a row; some that has none may be proposed.
            rows: the books.

        Raises:
            BadInput: the sampler cannot be made, or does not say what it expects where it must.
        """
        import optuna
        from optuna.trial import TrialState

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            mind = optuna.create_study(directions=self._books.study.directions)
            walks = self._walks
            mind.add_trials(
                [_as_the_sampler_sees_it(row) for row in rows]
                if walks is None
                else [point for row in rows if KEY in row.user_attrs for point in walks.points(row)]
            )
            for attempt in range(REDRAWS):
                mind.sampler = sampler = self._made(derive_seed(self._seed, "ask", number, attempt) % 2**32)
                if isinstance(sampler, ChoosesFrom):
                    sampler.choose_from(*self._pool.at(number, first=not any(row.values for row in rows)))
                if self._price is not None:
                    self._weigh(sampler, rows)
                trial = mind.ask()
                candidate = self._books.parameters.suggest(trial, number)
                if candidate.key not in seen and self.allowed(candidate):
                    system = dict(mind.get_trials(deepcopy=False)[-1].system_attrs)
                    return Thought(candidate, system, self._outlook_of(sampler))
                mind.tell(trial, state=TrialState.FAIL)
        return Thought(self._unseen(number, seen), {}, None)

    def weigh_seeds(
        self, number: int, rows: Sequence[FrozenTrial], competition: Competition, batch: int, seeds: int
    ) -> Decision:
        """Return whether extra seeds of told candidates are next, or new ones.

        Args:
            number: how many candidates were asked for.
            rows: the books, of which some were told.
            competition: decides.
            batch: how many candidates are asked for at once.
            seeds: with how many a new one is measured.

        Raises:
            BadInput: the sampler does not say what a seed is worth.
        """
        import optuna

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            mind = optuna.create_study(directions=self._books.study.directions)
            mind.add_trials([_as_the_sampler_sees_it(row) for row in rows])
            sampler = self._made(derive_seed(self._seed, "seeds", number, len(competition.given)) % 2**32)
            if not (isinstance(sampler, WeighsSeeds) and isinstance(sampler, ChoosesFrom)):
                named = f"search.more_seeds.when: sampler {self._sampler!r}"
                raise BadInput(f"{named} cannot weigh extra seeds against new candidates (allowed: {DEFAULT})")
            sampler.choose_from(*self._pool.at(number))
            told, new = sampler.measurement_worth(mind, seeds)
        key_of = self.names(rows)
        worths = [(key, worth) for params, worth in told if (key := key_of(params)) is not None]
        return competition.decide(number, sorted(worths), new, batch)

    def _weigh(self, sampler: BaseSampler, rows: Sequence[FrozenTrial]) -> None:
        """Tell a sampler what candidates cost.

        Raises:
            BadInput: it does not weigh costs.
        """
        from optuna.trial import TrialState

        if not isinstance(sampler, Weighs):
            raise BadInput(
                f"search.gain: cost: sampler {self._sampler!r} cannot weigh gain against cost (allowed: {DEFAULT})"
            )
        key_of = self.names(rows)
        tried: dict[str, set[int]] = {}
        for row in rows:
            candidate = Candidate.from_key(str(row.user_attrs[KEY])) if KEY in row.user_attrs else None
            if candidate is not None and candidate.budget is not None and row.state != TrialState.FAIL:
                tried.setdefault(candidate.way, set()).add(candidate.budget)

        def price(params: Mapping[str, Any]) -> float:
            key = key_of(params)
            if key is None or self._price is None:
                return 1.0
            candidate = Candidate.from_key(key)
            return self._price(candidate, tried.get(candidate.way, set()) - {candidate.budget})

        sampler.weigh(price)

    def _outlook_of(self, sampler: BaseSampler) -> Mapping[str, Any] | None:
        if isinstance(sampler, SaysWhatItExpects):
            return sampler.outlook
        if self._expects:
            raise BadInput(
                f"search.until: sampler {self._sampler!r} does not estimate what is left to gain (allowed: {DEFAULT})"
            )
        return None

    def _made(self, seed: int) -> BaseSampler:
        from optuna.samplers import BaseSampler

        try:
            sampler = self._make(seed)
        except Exception as error:
            raise BadInput(f"sampler {self._sampler!r} cannot be made: {type(error).__name__}: {error}") from error
        if not isinstance(sampler, BaseSampler):
            raise BadInput(f"sampler {self._sampler!r} returned a {type(sampler).__name__} (allowed: a sampler of Optuna)")
        return sampler

    def _unseen(self, number: int, seen: Collection[str]) -> Candidate:
        """Return a random candidate that was never asked for and may be."""
        space = self._books.parameters.space
        if space.size is None:
            drawn = (draw(space, self._seed, "unseen", number, attempt) for attempt in itertools.count())
            return next(each.numbered(number) for each in drawn if each.key not in seen and self.allowed(each))
        left = [candidate for candidate in space.candidates() if candidate.key not in seen and self.allowed(candidate)]
        return left[int(numpy_generator(self._seed, "unseen", number).integers(len(left)))].numbered(number)


def _as_the_sampler_sees_it(row: FrozenTrial) -> FrozenTrial:
    """Return a row as it is; one that was stopped early with its values there, as worse than any that was not.

    Samplers for several objectives cannot do with Optuna's own state for it, which has no values.
    """
    from optuna.trial import TrialState, create_trial

    if STOPPED_AT not in row.user_attrs or not row.state.is_finished():
        return row
    return create_trial(
        state=TrialState.COMPLETE,
        values=list(row.user_attrs[STOPPED_AT]),
        params=row.params,
        distributions=row.distributions,
        user_attrs=dict(row.user_attrs),
        system_attrs=dict(row.system_attrs),
        constraints={"stopped early": 1.0},
    )
