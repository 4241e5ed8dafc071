"""What trying a candidate costs, by the plan's own cost model: in multiply-accumulates, the same on every machine.

What was trained already for a shorter budget of the same candidate is not charged again; judging is.
"""

from __future__ import annotations

from collections.abc import Collection

from prune_core.base.errors import BadInput
from sweeps import cost
from sweeps.cost.cost import work_after
from sweeps.cost.sizes import Sizes, sizes_of
from sweeps.plan.arms import study_arms
from sweeps.plan.data_facts import DataFacts
from sweeps.plan.plan import candidate_trials
from sweeps.search.space import Candidate
from sweeps.study.model import Study


class Price:
    """Training and judging of a candidate's seeds, and of a control of its own where its rate needs one.

    Seconds are measured anew on every machine, so that they would make another search of the same study and seed; a training
    step counts as three forward passes instead, as in the plan's ``macs``.

    Args:
        study: the resolved study.
        data: what the plan knows of its images; None looks it up.

    Raises:
        BadInput: when a price is asked for: the size of the images is not known, or a network cannot be built.
    """

    def __init__(self, study: Study, data: DataFacts | None = None) -> None:
        self._study, self._data = study, data
        self._arms = {arm.name: arm for arm in study_arms(study)}
        self._macs: dict[str, int] = {}
        self._sizes: Sizes | None = None
        self._found: dict[tuple[str, int | None, bool, tuple[int, ...]], float] = {}

    def __call__(self, candidate: Candidate, tried: Collection[int] = ()) -> float:
        """Return the price of a candidate; neither its ratio nor the value of its rate moves it.

        Args:
            candidate: which.
            tried: the budgets at which the same arm, ratio and rate was tried already.
        """
        key = (candidate.arm, candidate.budget, bool(candidate.fine_tuning), tuple(sorted(tried)))
        if key not in self._found:
            sizes = self._known_sizes()
            budgets = None if candidate.budget is None else (candidate.budget,)
            trials = candidate_trials(
                self._study, candidate.arm, candidate.ratio, candidate.fine_tuning, budgets=budgets, checksum="unknown"
            )
            self._found[key] = sum(work_after(trial, tried, self._macs[trial.network], sizes) for trial in trials)
        return self._found[key]

    def _known_sizes(self) -> Sizes:
        if self._sizes is None:
            sizes = sizes_of(self._study, self._data)
            bases = {arm.base.network: arm.base for arm in self._arms.values()}
            if sizes is not None:
                found = cost.known_costs((), bases.values(), sizes, ["macs"])
                self._macs = {one.name: max(1, int(one.costs["macs"])) for one in found}
            if sizes is None or set(self._macs) != set(bases):
                raise BadInput(
                    "search.gain: cost: what a trial costs is not known, since the size of the images is not or a network "
                    "cannot be built (allowed: candidate)"
                )
            self._sizes = sizes
        return self._sizes
