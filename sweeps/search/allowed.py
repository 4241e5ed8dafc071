"""Which candidates may be proposed: none that is known beforehand to miss a limit."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from prune_core.base.errors import BadInput
from sweeps.search.parameters import excess, limit_name
from sweeps.search.pool import CostsOf
from sweeps.search.space import Candidate

if TYPE_CHECKING:
    from sweeps.search.optuna_study import OptunaBooks


class Allowed:
    """Says of candidates whether the costs that are known of them keep the study's limits.

    Args:
        books: holds space and limits.
        costs: what is known beforehand of an arm at a ratio; not asked where the study has no limits.
    """

    def __init__(self, books: OptunaBooks, costs: CostsOf) -> None:
        self._space, self._limits, self._costs = books.parameters.space, books.limits, costs
        self._found: dict[tuple[str, str], bool] = {}
        self.text = ", ".join(limit_name(limit) for limit in books.limits)

    def __call__(self, candidate: Candidate) -> bool:
        """Return whether a candidate may be proposed."""
        return self._keeps(candidate.arm, candidate.ratio)

    def _keeps(self, arm: str, ratio: str) -> bool:
        if not self._limits:
            return True
        if (arm, ratio) not in self._found:
            costs = self._costs(arm, ratio)
            self._found[arm, ratio] = all(excess(limit, costs) <= 0 for limit in self._limits if limit[0] in costs)
        return self._found[arm, ratio]

    def left(self, seen: Collection[str]) -> int | None:
        """Return how many candidates without a row may still be proposed; None where an axis is continuous."""
        if self._space.size is None:
            return None if self._any() else 0
        if not self._limits:
            return self._space.size - len(seen)
        return sum(self(each) and each.key not in seen for each in self._space.candidates())

    def _any(self) -> bool:
        return any(self._keeps(arm.arm, ratio) for arm in self._space.arms for ratio in arm.ratios)

    def demand_some(self) -> None:
        """Refuse a search that could propose nothing at all.

        Raises:
            BadInput: every candidate is known to miss a limit.
        """
        if not self._any():
            raise BadInput(f"limits: every candidate of the search is known to miss {self.text} before it is tried")
