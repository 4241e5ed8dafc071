"""What a sampler may choose from, in Optuna's words, with what is known of it beforehand."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sweeps.samplers import Known
from sweeps.search.parameters import excess, limit_name, parameters_text
from sweeps.search.search import draw
from sweeps.search.space import Candidate, Space, Value
from sweeps.search.walks import SHORTER, Walks

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

    from sweeps.search.optuna_study import OptunaBooks

CostsOf = Callable[[str, str], Mapping[str, float]]
"""(arm, ratio) -> costs that are known beforehand, by column."""
DRAWN = 512
"""How many candidates of a space with a continuous axis a sampler is shown at a time."""

Offer = tuple[list[dict[str, Any]], "dict[str, BaseDistribution]", Known]


class Pool:
    """The candidates of a search: all of a finite space, others drawn anew for every ask.

    Args:
        books: holds space, objectives and limits.
        seed: of the search.
        costs: what is known beforehand.
        allowed: says of a candidate whether it may be proposed; others are not offered.
        walks: candidates are offered as their ends; None: as they are.
    """

    def __init__(
        self,
        books: OptunaBooks,
        seed: int,
        costs: CostsOf,
        allowed: Callable[[Candidate], bool],
        walks: Walks | None = None,
    ) -> None:
        self._books, self._seed, self._costs, self._allowed, self._walks = books, seed, costs, allowed, walks
        self._finite: tuple[list[dict[str, Any]], dict[str, BaseDistribution]] | None = None
        self._known: dict[str, Mapping[int | str, float]] = {}
        self._keys: dict[str, str] = {}

    def at(self, number: int, *, first: bool = False) -> Offer:
        """Return candidates, their distributions, and what is known of them, for the ask of that number.

        Args:
            number: of the ask.
            first: nothing was told yet. Then only candidates of the longest budget are offered: what a shorter one says
                about the front is told by them too, and the other way round it is not.
        """
        space = self._books.parameters.space
        if space.size is None:
            stream = (draw(space, self._seed, "pool", number, at) for at in itertools.count())
            drawn = {each.key: each for each in itertools.islice(filter(self._allowed, stream), DRAWN)}
            return (*self._offered(_longest(space, drawn.values()) if first else list(drawn.values())), self._of)
        if first:
            return (*self._offered(_longest(space, filter(self._allowed, space.candidates()))), self._of)
        if self._finite is None:
            self._finite = self._offered(list(filter(self._allowed, space.candidates())))
        return (*self._finite, self._of)

    def key_of(self, parameters: Mapping[str, Any]) -> str | None:
        """Return the key of an offered candidate's parameters."""
        return self._keys.get(parameters_text(parameters))

    def _offered(self, candidates: list[Candidate]) -> tuple[list[dict[str, Any]], dict[str, BaseDistribution]]:
        found: list[dict[str, Any]] = []
        distributions: dict[str, BaseDistribution] = {}
        for candidate in candidates:
            both = self._parameters(candidate)
            if both is not None:
                found.append(both[0])
                distributions |= both[1]
                self._known[parameters_text(both[0])] = self.beforehand(candidate)
                self._keys[parameters_text(both[0])] = candidate.key
        return found, distributions

    def beforehand(self, candidate: Candidate) -> dict[int | str, float]:
        """Return what is known of a candidate, at any budget."""
        costs = self._costs(candidate.arm, candidate.ratio)
        known = known_beforehand(costs, [column for column, _ in self._books.objectives], self._books.limits)
        return known if self._walks is None else {**known, SHORTER: -1.0}

    def _parameters(self, candidate: Candidate) -> tuple[dict[str, Value], dict[str, BaseDistribution]] | None:
        if self._walks is None:
            return self._books.parameters.of(candidate)
        return self._walks.parameters.of(self._walks.end(candidate))

    def _of(self, parameters: Mapping[str, Any]) -> Mapping[int | str, float]:
        text = parameters_text(parameters)
        shown = None if self._walks is None else self._walks.shown.get(text)
        if shown is None:
            return self._known.get(text, {})
        candidate, ended = shown
        return {**self.beforehand(candidate), SHORTER: -1.0 if ended else 1.0}


def known_beforehand(
    costs: Mapping[str, float], objectives: Sequence[str], limits: Iterable[tuple[str, str, float]]
) -> dict[int | str, float]:
    """Return known costs in a sampler's words: objectives by number, the amounts by which limits are missed by name."""
    known: dict[int | str, float] = {at: costs[column] for at, column in enumerate(objectives) if column in costs}
    known.update({limit_name(limit): excess(limit, costs) for limit in limits if limit[0] in costs})
    return known


def _longest(space: Space, candidates: Iterable[Candidate]) -> list[Candidate]:
    longest = {arm.arm: max(arm.budgets, default=None) for arm in space.arms}
    found = list(candidates)
    return [each for each in found if each.budget == longest[each.arm]] or found
