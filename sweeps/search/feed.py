"""Between the search, which thinks in candidates, and the workload, which runs trials: one candidate is all its seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from prune_core.base.kinds import PRUNED
from sweeps.plan.keys import shared_parts
from sweeps.plan.plan import Plan, candidate_trials
from sweeps.plan.state import final_status
from sweeps.plan.trials import PlannedTrial, only_at
from sweeps.search.asked import space_of
from sweeps.search.beforehand import Beforehand
from sweeps.search.candidate_values import candidate_values, walked_values
from sweeps.search.competing_seeds import CompetingSeeds
from sweeps.search.early_stopping import Rule, Rungs
from sweeps.search.front_chances import FrontChances
from sweeps.search.more_seeds import COMPETE
from sweeps.search.optuna_search import OptunaSearch
from sweeps.search.search import Proposer, Values
from sweeps.search.setup import told_columns
from sweeps.search.space import Candidate


class CandidateFeed:
    """Asks the search for candidates, turns them into trials, and tells the search the mean once every seed has ended.

    Args:
        plan: the plan; candidates of a grid are made of its trials.
        proposer: the search.
        out: the output folder.
        columns: what the search is told: objectives and the columns of limits.
        on_taken: called after further candidates were taken in, before their trials start.
        rule: of early stopping; None lets every candidate walk to its longest budget at once.
        on_stopped: called with the trials of a candidate that was stopped.
    """

    def __init__(
        self,
        plan: Plan,
        proposer: Proposer,
        out: Path,
        columns: Iterable[str],
        on_taken: Callable[[], None] = lambda: None,
        *,
        rule: Rule | None = None,
        on_stopped: Callable[[Iterable[PlannedTrial]], None] = lambda trials: None,
    ) -> None:
        chances = None if rule is None else _chances(plan)
        self._rungs = (
            None if rule is None else Rungs(out, rule, self._batch_is_whole, proposer.tell, on_stopped, chances=chances)
        )
        self._on_taken = on_taken
        self._plan = plan
        self._arms = {arm.name: arm for arm in plan.arms}  # looked up by name, each candidate would make all arms anew
        self._planned: dict[tuple[str, str], list[PlannedTrial]] = {}
        for trial in plan.trials:
            if trial.kind == PRUNED:
                self._planned.setdefault((trial.arm, trial.ratio), []).append(trial)
        self._proposer = proposer
        self._out = out
        self._columns = tuple(columns)
        self._members: dict[str, tuple[Candidate, list[PlannedTrial], list[PlannedTrial]]] = {}
        self._open: dict[str, set[str]] = {}
        self._owed: list[PlannedTrial] = []
        self._seeds: CompetingSeeds | None = None
        self._seeds_run: list[PlannedTrial] = []
        more = plan.study.search.more_seeds
        if more is not None and more.when == COMPETE and isinstance(proposer, OptunaSearch):
            seeds = self._seeds = CompetingSeeds(plan, out, proposer.wanted)
            proposer.compete(seeds.competition, len(plan.study.seeds), lambda told: seeds.told_as(self.members, told))

    @property
    def trials(self) -> list[PlannedTrial]:
        """Every trial of every candidate that was taken in so far, the controls that they need of their own, extra seeds."""
        own = [trial for _, trials, controls in self._members.values() for trial in [*trials, *controls]]
        return [*own, *self.extra_seeds]

    @property
    def extra_seeds(self) -> list[PlannedTrial]:
        """Every trial of extra seeds that compete with new candidates, with the unpruned networks that they need."""
        return [] if self._seeds is None else self._seeds.trials(self._seeds.competition.given)

    @property
    def candidates(self) -> list[Candidate]:
        """Every candidate that was taken in so far."""
        return [candidate for candidate, *_ in self._members.values()]

    @property
    def members(self) -> list[tuple[Candidate, list[PlannedTrial]]]:
        """Every candidate that was taken in so far, with its trials, one per seed."""
        return [(candidate, trials) for candidate, trials, _ in self._members.values()]

    @property
    def waiting(self) -> int:
        """How many candidates have been handed out and not been told."""
        return len({name for names in self._open.values() for name in names})

    def more(self, count: int, *, wait: bool = True) -> list[PlannedTrial]:
        """Return the trials of up to ``count`` further candidates, and controls that an earlier run has left to be done."""
        owed, self._owed = self._owed, []
        if self._rungs is not None and self._rungs.busy:
            return [*owed, *self._rungs.going_on()]
        trials = [trial for candidate in self._proposer.next(count, wait=wait) for trial in self._take(candidate)]
        if not trials and self._seeds is not None and isinstance(self._proposer, OptunaSearch):
            trials = self._seeds.trials(self._proposer.next_seeds())
            self._seeds_run += trials
        if trials:
            self._on_taken()
        return [*owed, *trials]

    def ended(self, key: str) -> None:
        """Take note that a trial has its outcome; tell the search what became complete by it."""
        if self._rungs is not None:
            self._rungs.ended()
            return
        if self._seeds_run and isinstance(self._proposer, OptunaSearch):
            self._seeds_run = [trial for trial in self._seeds_run if final_status(trial, self._out) is None]
            if not self._seeds_run:
                self._proposer.seeds_ended()
        for name in sorted(self._open.get(key, ())):
            candidate, trials, _ = self._members[name]
            if all(final_status(trial, self._out) is not None for trial in trials):
                for trial in trials:
                    self._open.get(trial.key, set()).discard(name)
                values = candidate_values(trials, candidate.budget, self._columns, self._out)
                self._proposer.tell(candidate, values, "failed" if values is None else "complete")

    @property
    def exhausted(self) -> bool:
        """Whether nothing more will be proposed."""
        return self._proposer.done and not self._owed and not (self._rungs is not None and self._rungs.busy)

    @property
    def to_come(self) -> int:
        """How many more trials the search may still ask for; some of them may turn out to be there."""
        return self._proposer.left * len(self._plan.study.seeds)

    def _batch_is_whole(self, count: int) -> bool:
        batch = self._plan.study.search.batch
        return self._proposer.done or (batch is not None and count >= batch)

    @shared_parts()
    def reconcile(self, candidates: Iterable[Candidate]) -> None:
        """Tell the search, before it proposes anything, which of these candidates the folder holds already."""
        known: dict[str, Values | None] = {}
        found = list(candidates)
        for candidate in found:
            trials, controls = self._expand(candidate)
            if trials and all(final_status(trial, self._out) is not None for trial in trials):
                if self._rungs is None:
                    known[candidate.key] = candidate_values(trials, candidate.budget, self._columns, self._out)
                else:
                    known[candidate.key] = walked_values(trials, self._columns, self._out)
                    self._rungs.knows(candidate, trials)
                self._members[candidate.key] = (candidate, trials, controls)
                self._owed += [trial for trial in controls if final_status(trial, self._out) is None]
        # with early stopping the batch of a grid is all of it, so that it is compared anew; one of Optuna's is closed
        anew = self._rungs is not None and self._plan.study.search.kind != "optuna"
        self._proposer.reconcile({} if anew else known)
        if self._seeds is not None and isinstance(self._proposer, OptunaSearch):
            of = self._seeds.trials
            given = self._seeds.competition.given
            left = [one for one in given if any(final_status(trial, self._out) is None for trial in of([one]))]
            self._proposer.seeds_left_open(left)

    def _expand(self, candidate: Candidate) -> tuple[list[PlannedTrial], list[PlannedTrial]]:
        """Return a candidate's trials, one per seed, and the controls of a fine-tuning recipe of its own."""
        planned = self._of_plan(candidate)
        if planned:
            return planned, []
        budgets = None if candidate.budget is None else (candidate.budget,)
        trials = candidate_trials(
            self._plan.study,
            self._arms.get(candidate.arm, candidate.arm),
            candidate.ratio,
            candidate.fine_tuning,
            budgets=budgets,
            checksum=self._plan.checksum,
            earlier=self._plan.earlier,
        )
        return [trial for trial in trials if trial.kind == "pruned"], [trial for trial in trials if trial.kind == "control"]

    def _of_plan(self, candidate: Candidate) -> list[PlannedTrial]:
        """Return a candidate's trials as the plan has them, one per seed; empty where it has not all: a key costs a hash."""
        if candidate.fine_tuning:
            return []
        budget, found = candidate.budget, self._planned.get((candidate.arm, candidate.ratio), [])
        if budget is not None:
            found = [only_at(trial, budget) for trial in found if budget in trial.budgets]
        return found if [trial.seed for trial in found] == list(self._plan.study.seeds) else []

    def _take(self, candidate: Candidate) -> list[PlannedTrial]:
        trials, controls = self._expand(candidate)
        self._members[candidate.key] = (candidate, trials, controls)
        if self._rungs is not None:
            return [*self._rungs.take(candidate, trials), *controls]
        for trial in trials:
            self._open.setdefault(trial.key, set()).add(candidate.key)
        return [*trials, *controls]


def _chances(plan: Plan) -> FrontChances:
    study = plan.study
    limits = [(limit.column, limit.comparison, limit.value) for limit in study.parsed_limits]
    return FrontChances(space_of(plan), study.decisive, limits, Beforehand(study, told_columns(study), plan.data))
