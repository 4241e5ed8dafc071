"""Extra seeds while a search goes on: their trials, and what the candidates that have them are told as."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import pandas as pd

from sweeps.front.front import candidates
from sweeps.plan.plan import Plan
from sweeps.plan.trials import PlannedTrial
from sweeps.records.collect import collect
from sweeps.search.competition import Competition, Extra, More
from sweeps.search.more_seeds import extra_trials, rule_of
from sweeps.search.setup import told_columns
from sweeps.search.space import Candidate
from sweeps.study.model import Study


class CompetingSeeds:
    """The extra seeds of a study whose search weighs them against new candidates.

    Args:
        plan: of the study.
        out: its output folder.
        count: how many candidates the search would ask for without any.
    """

    def __init__(self, plan: Plan, out: Path, count: int) -> None:
        self._plan, self._out = plan, out
        self._known = {trial.key for trial in plan.trials}
        self._trials: dict[Extra, list[PlannedTrial]] = {}
        rule, study = plan.study.search.more_seeds, plan.study
        new = len(study.seeds) * (1 if study.search.learning_rate is None else 2)
        self.competition = Competition(
            rule_of(study) or {},
            seeds=() if rule is None else rule.seeds,
            most=0 if rule is None else rule.candidates * len(rule.seeds),
            total=count * new,
            new=new,
            needs=lambda candidate, seed: {trial.key for trial in self.trials([(candidate.key, seed)])},
            out=out,
        )

    def trials(self, extras: Iterable[Extra]) -> list[PlannedTrial]:
        """Return the trials of extra seeds, with the baselines and controls that they need."""
        found: dict[str, PlannedTrial] = {}
        for key, seed in extras:
            if (key, seed) not in self._trials:
                own = extra_trials(self._plan, [Candidate.from_key(key)], (seed,))
                self._trials[key, seed] = [trial for trial in own if trial.key not in self._known]
            found |= {trial.key: trial for trial in self._trials[key, seed]}
        return list(found.values())

    def told_as(self, members: Iterable[tuple[Candidate, list[PlannedTrial]]], told: Collection[str]) -> More:
        """Return what candidates with extra seeds are told as, from the records of all that were told.

        Args:
            members: candidates with their trials of the study's own seeds.
            told: keys of those that the search was told.
        """
        study, extras = self._plan.study, self.competition.given
        if not extras:
            return {}
        own = [(candidate, trials) for candidate, trials in members if candidate.key in told]
        every = [trial for _, trials in own for trial in trials] + self.trials(extras)
        plan = self._plan.with_trials(every)
        records = collect(self._out, plan.trials, study=study.name)
        given = {key for key, _ in extras}
        return means_over_seeds(records, study, [(one, trials[0].arm) for one, trials in own if one.key in given])


def means_over_seeds(records: pd.DataFrame, study: Study, of: Iterable[tuple[Candidate, str]]) -> More:
    """Return the adjusted means of candidates over all seeds that the records have of them (`seed_adjusted`).

    Args:
        records: of everything that was told, of the extra seeds, and of the unpruned networks.
        study: whose seeds are the own ones.
        of: candidates with the names of their arms in the records; those without an extra seed are left out.
    """
    columns = told_columns(study)
    table = candidates(records, study.decisive, shown=columns, seeds=study.seeds)
    rows = {(str(row["arm"]), float(row["ratio"]), int(row["budget"])): row for _, row in table.iterrows()}
    found = {}
    for candidate, arm in of:
        row = rows.get((arm, float(candidate.ratio), int(candidate.budget or 0)))
        if row is not None and int(row["seeds"]) > len(study.seeds):
            found[candidate.key] = {column: float(row[column]) for column in columns}, int(row["seeds"])
    return found
