"""Early stopping: candidates walk up the budgets, a batch at a time; at each one a rule says who is stopped.

A decision depends on the records of the batch and of those before it, and on nothing else, so a run that was killed, or done
again, decides the same. It is written into the trials' folders: status ``stopped``, with the cause and the rule that it was
decided by.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prune_core.base.errors import BadInput
from prune_core.base.files import write_json
from prune_core.base.trial_folder import COMPLETE, OUTCOME, STOPPED, finished_budgets, read_outcome, read_record
from prune_core.metrics import Direction
from sweeps.folder.paths import trial_folder, trials_folder
from sweeps.plan.trials import PlannedTrial
from sweeps.search.candidate_values import STOPPED_AT_BUDGET, candidate_values, stopped_at, walked_values
from sweeps.search.front_chances import FrontChances, Judged
from sweeps.search.measured import Measured
from sweeps.search.search import Values
from sweeps.search.space import Candidate
from sweeps.search.stopping_rule import ranks
from sweeps.stopping_rules import ChosenRule, Standing

Tell = Callable[[Candidate, "Values | None", str], None]


@dataclass(frozen=True)
class Rule:
    """How it is decided.

    Attributes:
        chosen: the rule with its options.
        objectives: the columns that decide -> ``min`` or ``max``.
        columns: what the search is told, the columns of limits included.
        budgets: the study's, rising.
    """

    chosen: ChosenRule
    objectives: Mapping[str, Direction]
    columns: tuple[str, ...]
    budgets: tuple[int, ...]

    def plain(self) -> dict[str, Any]:
        """Return what a decision depends on beside the records."""
        return {**self.chosen.plain(), "objectives": dict(self.objectives), "budgets": list(self.budgets)}


@dataclass
class _Batch:
    """Candidates that are compared with each other; ``level`` is the place of the budget that they walk to.

    ``pending``: trials that were not there yet when they were looked at last, so that each is looked at about once.
    """

    members: dict[str, tuple[Candidate, list[PlannedTrial]]] = field(default_factory=dict)
    pending: list[PlannedTrial] = field(default_factory=list)
    level: int = 0
    whole: bool = False


class Rungs:
    """Hands out trials budget by budget.

    Args:
        out: the output folder.
        rule: how it is decided.
        complete: says of a batch of so many candidates whether more can still join it.
        tell: tells the search how a candidate ended.
        on_stopped: called with the trials of a candidate that was stopped.
        chances: says how likely candidates are on the front, for rules that ask for it.
    """

    def __init__(
        self,
        out: Path,
        rule: Rule,
        complete: Callable[[int], bool],
        tell: Tell,
        on_stopped: Callable[[Iterable[PlannedTrial]], None] = lambda trials: None,
        chances: FrontChances | None = None,
    ) -> None:
        self._chances = chances
        self._ended: dict[str, tuple[Candidate, list[PlannedTrial], int]] = {}  # with the last budget that counts
        self._read: dict[tuple[str, int], Measured] = {}
        self._out, self._rule, self._complete, self._tell, self._on_stopped = out, rule, complete, tell, on_stopped
        self._batch = _Batch()
        self._going: list[PlannedTrial] = []

    @property
    def busy(self) -> bool:
        """Whether there are trials that go on and were not handed out yet."""
        return bool(self._going)

    def take(self, candidate: Candidate, trials: list[PlannedTrial]) -> list[PlannedTrial]:
        """Take in a candidate of the batch under way; return its trials as far as the first budget."""
        self._ended.pop(candidate.key, None)
        self._batch.members[candidate.key] = (candidate, trials)
        self._batch.pending += trials
        return self._up_to(trials, self._rule.budgets[0])

    def knows(self, candidate: Candidate, trials: list[PlannedTrial]) -> None:
        """Take note of a candidate that ended in an earlier run."""
        stops = [at for trial in trials if (at := stopped_at(trial_folder(self._out, trial.key))) is not None]
        self._ended[candidate.key] = candidate, trials, min(stops, default=trials[0].budgets[-1])

    def going_on(self) -> list[PlannedTrial]:
        """Return the trials that go on to the next budget, once."""
        going, self._going = self._going, []
        return going

    def ended(self) -> None:
        """Take note that some trial has come to its budget or to its end: decide where all of the batch have."""
        batch = self._batch
        if not batch.members:
            return
        while batch.pending and self._arrived(batch.pending[-1]):
            batch.pending.pop()
        batch.whole = batch.whole or self._complete(len(batch.members))
        if batch.whole and not batch.pending:
            self._decide(batch)

    def _arrived(self, trial: PlannedTrial) -> bool:
        budget = self._rule.budgets[self._batch.level]
        folder = trial_folder(self._out, trial.key)
        if budget not in trial.budgets or read_record(folder, budget) is not None:
            return True
        outcome = read_outcome(folder)
        return outcome is not None and outcome["status"] in ("failed", "diverged")

    def _decide(self, batch: _Batch) -> None:
        """Tell who failed or is through, stop those of the others that the rule says, let the rest go on."""
        budget = self._rule.budgets[batch.level]
        last = batch.level == len(self._rule.budgets) - 1
        values: dict[str, Measured] = {}
        exempt = []  # an arm that prunes in rounds has not come to its last round yet
        for key, (candidate, trials) in list(batch.members.items()):
            if budget not in trials[0].budgets:
                exempt.append(key)
                continue
            found = candidate_values(trials, budget, self._rule.columns, self._out)
            if found is None or last:
                self._ended[key] = batch.members.pop(key) + (budget,)
                self._tell_all(candidate, trials, "failed" if found is None else "complete")
            else:
                values[key] = found
        if values:
            self._stop(batch, values, budget)
        if last or not batch.members:
            self._batch = _Batch()
            return
        batch.level += 1
        following = self._rule.budgets[batch.level]
        for _, trials in batch.members.values():
            batch.pending += trials
            self._going += self._up_to(trials, following)

    def _tell_all(self, candidate: Candidate, trials: list[PlannedTrial], status: str) -> None:
        """Tell the search what a candidate measured, and what it measured on the way."""
        self._tell(candidate, walked_values(trials, self._rule.columns, self._out) if status != "failed" else None, status)

    def _stop(self, batch: _Batch, values: Mapping[str, Measured], budget: int) -> None:
        for key, reason in zip(values, self._rule.chosen.decide(self._standing(batch, values, budget)), strict=True):
            candidate, trials = batch.members[key]
            if reason is None:
                for trial in trials:
                    self._reopen(trial, budget)
                continue
            for trial in trials:
                self._close(trial, f"{STOPPED_AT_BUDGET} {budget}: {reason}")
            self._on_stopped(trials)
            self._ended[key] = batch.members.pop(key) + (budget,)
            self._tell_all(candidate, trials, STOPPED)

    def _standing(self, batch: _Batch, values: Mapping[str, Measured], budget: int) -> Standing:
        columns, directions = tuple(self._rule.objectives), tuple(self._rule.objectives.values())
        unknown = dict.fromkeys(columns, math.nan)

        def earlier(before: int) -> NDArray[np.float64]:
            found = [candidate_values(batch.members[key][1], before, columns, self._out) or unknown for key in values]
            return np.array([[each[column] for column in columns] for each in found])

        def chances() -> NDArray[np.float64]:
            if self._chances is None:
                raise BadInput("this search does not compute the chances of a place on the front")
            return self._chances(self._judged(batch, budget), [batch.members[key][0] for key in values])

        table = np.array([[values[key][column] for column in columns] for key in values])
        return Standing(budget, self._rule.budgets, columns, directions, table, ranks(table, directions), earlier, chances)

    def _judged(self, batch: _Batch, budget: int) -> Iterator[Judged]:
        """Yield what was measured: candidates under way up to a budget, the others as far as they came."""
        under_way = [(*member, budget) for member in batch.members.values()]
        for candidate, trials, last in [*self._ended.values(), *under_way]:
            for at in [each for each in trials[0].budgets if each <= last]:
                place = candidate.key, at
                found = self._read.get(place) or candidate_values(trials, at, self._rule.columns, self._out)
                if found is not None:
                    self._read[place] = found
                    yield candidate, at, found

    def _close(self, trial: PlannedTrial, cause: str) -> None:
        folder = trial_folder(self._out, trial.key)
        outcome = {
            "status": STOPPED,
            "cause": cause,
            "budgets": finished_budgets(folder),
            "key": trial.key,
            "rule": self._rule.plain(),
        }
        if read_outcome(folder) != outcome:
            write_json(folder / OUTCOME, outcome)

    def _reopen(self, trial: PlannedTrial, budget: int) -> None:
        """Let a trial go on that was stopped here or before: its batch was another one then."""
        folder = trial_folder(self._out, trial.key)
        outcome = read_outcome(folder)
        if outcome is not None and outcome["status"] == STOPPED and max(outcome["budgets"], default=0) <= budget:
            _complete_so_far(folder, outcome)

    def _up_to(self, trials: Iterable[PlannedTrial], budget: int) -> list[PlannedTrial]:
        # an arm without a budget so low walks to its first one: it cannot wait for less
        return [
            replace(trial, budgets=tuple(each for each in trial.budgets if each <= max(budget, trial.budgets[0])))
            for trial in trials
        ]


def forget_other_rules(out: Path, rule: Rule | None) -> None:
    """Let every trial go on that was stopped by another rule than the study's; None is no early stopping."""
    for path in trials_folder(out).glob(f"*/{OUTCOME}"):
        outcome = read_outcome(path.parent)
        if outcome is not None and outcome["status"] == STOPPED and (rule is None or outcome.get("rule") != rule.plain()):
            _complete_so_far(path.parent, outcome)


def _complete_so_far(folder: Path, outcome: Mapping[str, Any]) -> None:
    """A trial that was stopped is complete at the budgets that it has, and asked for more it goes on from there."""
    write_json(folder / OUTCOME, {"status": COMPLETE, "cause": None, "budgets": outcome["budgets"], "key": folder.name})
