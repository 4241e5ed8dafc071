"""What a sampler is shown of candidates that walk up the budgets: a point for each budget at which one was judged.

A candidate that was stopped so teaches what it measured where it was stopped, not that it is bad at the longest budget. Only
points of the longest budget count for the front: the others miss a constraint, `SHORTER`, that is known beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sweeps.samplers import SEEDS
from sweeps.search.optuna_study import STOPPED_AT
from sweeps.search.parameters import Parameters, parameters_text
from sweeps.search.row_numbers import ALONG
from sweeps.search.space import KEY, Candidate, Space

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

SHORTER = "judged at a shorter budget"
"""The constraint that points below the longest budget miss."""


class Walks:
    """Rows of candidates as rows of points.

    Args:
        space: in which each budget is one to choose (`Space.walked`).
    """

    def __init__(self, space: Space) -> None:
        self.parameters = Parameters(space)
        self._longest = {arm.arm: arm.budgets[-1] for arm in space.arms}
        self.shown: dict[str, tuple[Candidate, bool]] = {}
        """The candidate of each point that was shown, and whether that is its end, by the parameters."""

    def end(self, candidate: Candidate) -> Candidate:
        """Return the candidate at its longest budget."""
        return candidate.at(self._longest[candidate.arm])

    def points(self, row: FrozenTrial) -> list[FrozenTrial]:
        """Return the points of a row; one that says nothing of the way is a point that ended."""
        from optuna.trial import TrialState, create_trial

        candidate = Candidate.from_key(str(row.user_attrs[KEY]))
        both = self.parameters.of(self.end(candidate)) if candidate.arm in self._longest else None
        if both is None:
            return []
        self.shown[parameters_text(both[0])] = candidate, True
        complete = row.state == TrialState.COMPLETE
        stopped = STOPPED_AT in row.user_attrs and row.state.is_finished()
        last = create_trial(
            # a stopped candidate has no value at its end, and may not be proposed again
            state=TrialState.FAIL if stopped else row.state,
            values=row.values if complete else None,
            params=both[0],
            distributions=both[1],
            user_attrs=dict(row.user_attrs),
            system_attrs=dict(row.system_attrs),
            constraints=dict(row.constraints) if complete else None,
        )
        return [*self._on_the_way(candidate, row.user_attrs.get(ALONG, ())), last]

    def _on_the_way(self, candidate: Candidate, along: Sequence[Mapping[str, Any]]) -> list[FrozenTrial]:
        from optuna.trial import TrialState, create_trial

        found = []
        for one in along:
            both = self.parameters.of(candidate.at(int(one["budget"])))
            if both is None:
                continue
            self.shown[parameters_text(both[0])] = candidate, False
            found.append(
                create_trial(
                    state=TrialState.COMPLETE,
                    values=list(one["values"]),
                    params=both[0],
                    distributions=both[1],
                    user_attrs={SEEDS: one["seeds"]},
                    constraints={**one["constraints"], SHORTER: 1.0},
                )
            )
        return found
