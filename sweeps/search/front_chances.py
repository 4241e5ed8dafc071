"""How likely candidates that walk up the budgets are on the front at the longest one, by the model of ``front_gp``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prune_core.metrics import Direction
from sweeps.samplers import front_gp
from sweeps.search.measured import Measured
from sweeps.search.parameters import Parameters, excess, limit_name, parameters_text
from sweeps.search.pool import CostsOf, known_beforehand
from sweeps.search.space import Candidate, Space

Judged = tuple[Candidate, int, Measured]
"""A candidate, a budget that it came by, and what it measured there."""


class FrontChances:
    """Probabilities of a place on the front: a function of what was judged, whatever its order.

    Args:
        space: of candidates that walk.
        objectives: the columns that decide -> ``min`` or ``max``.
        limits: column, comparison and bound each.
        costs: what is known beforehand of an arm at a ratio, by column.
    """

    def __init__(
        self, space: Space, objectives: Mapping[str, Direction], limits: Sequence[tuple[str, str, float]], costs: CostsOf
    ) -> None:
        walked = space.walked()
        self._parameters = None if walked is None else Parameters(walked)
        self._longest = {arm.arm: arm.walks[-1] for arm in space.arms if arm.walks}
        self._objectives, self._limits, self._costs = dict(objectives), tuple(limits), costs

    def __call__(self, judged: Iterable[Judged], asked: Sequence[Candidate]) -> NDArray[np.float64]:
        """Return the probability of a place on the front at the longest budget of each candidate asked for, ``(A,)``.

        Args:
            judged: everything that was measured of them, and of others.
            asked: candidates that were not judged at their longest budget.
        """
        distributions: dict[str, Any] = {}
        known: dict[str, Mapping[int | str, float]] = {}

        def point(candidate: Candidate, budget: int) -> dict[str, Any]:
            both = None if self._parameters is None else self._parameters.of(candidate.at(budget))
            if both is None:
                raise LookupError(f"{candidate.key} at budget {budget} is outside the search")
            distributions.update(both[1])
            costs = self._costs(candidate.arm, candidate.ratio)
            known[parameters_text(both[0])] = known_beforehand(costs, list(self._objectives), self._limits)
            return dict(both[0])

        looks = [
            front_gp.Look(
                point(candidate, budget),
                [values[column] for column in self._objectives],
                {limit_name(limit): excess(limit, values) for limit in self._limits},
                budget == self._longest[candidate.arm],
                values.by_seed(list(self._objectives)),
            )
            for candidate, budget, values in judged
        ]
        ends = [point(candidate, self._longest[candidate.arm]) for candidate in asked]
        largest = [direction == "max" for direction in self._objectives.values()]
        found: NDArray[np.float64] = front_gp.front_chances(
            looks, ends, distributions, largest, lambda params: known[parameters_text(params)]
        )
        return found
