"""What the user is told of trials that went wrong, and of unpruned networks whose numbers are doubtful."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from prune_core.base.kinds import BASELINE, REFERENCES
from prune_core.base.trial_folder import DIVERGED, FAILED, OUTPUTS, PROBABILITIES, read_outcome, read_record
from prune_core.metrics.predictions import SOFTMAX_TWICE
from sweeps.folder.paths import trial_folder
from sweeps.front.doubts import baseline_doubts
from sweeps.plan.plan import Plan
from sweeps.plan.trials import PlannedTrial
from sweeps.records.collect import collect

Doubt = tuple[str, str]
"""(network, what is doubtful about it)."""


def baselines(plan: Plan) -> list[PlannedTrial]:
    """Return the trials of the unpruned networks."""
    return [trial for trial in plan.trials if trial.kind == BASELINE]


def softmax_twice(plan: Plan, out: Path) -> list[Doubt]:
    """Return the networks that give probabilities, which were read as logits."""
    doubtful = {
        trial.network
        for trial in plan.trials
        for budget in trial.budgets
        if trial.kind in REFERENCES
        and (read_record(trial_folder(out, trial.key), budget) or {}).get(OUTPUTS) == PROBABILITIES
    }
    return [(name, SOFTMAX_TWICE) for name in sorted(doubtful)]


def doubts(plan: Plan, out: Path, trials: Iterable[PlannedTrial]) -> list[Doubt]:
    """Return what the records of unpruned networks make doubtful: near chance, below the limits, confident and wrong."""
    records = collect(out, list(trials), study=plan.study.name)
    classes = None if plan.data is None else plan.data.classes or None
    return baseline_doubts(records, plan.study.parsed_limits, classes, plan.study.select_on)


def warning_lines(found: Iterable[Doubt]) -> list[str]:
    """Return doubts as the terminal shows them."""
    return [f"warning: network {name}: {said}" for name, said in found]


def failures(trials: Iterable[PlannedTrial], out: Path) -> list[tuple[str, str, str]]:
    """Return (name, status, cause) of every trial that failed or diverged."""
    found = []
    for trial in trials:
        outcome = read_outcome(trial_folder(out, trial.key))
        if outcome is not None and outcome["status"] in (FAILED, DIVERGED):
            found.append((trial.name, str(outcome["status"]), str(outcome.get("cause"))))
    return found
