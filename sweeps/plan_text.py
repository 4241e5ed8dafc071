"""A plan as text: arms, trials, records, what is there already, and what the rest costs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweeps.plan import Plan


def plan_text(plan: Plan, out: Path) -> str:
    """Return what there should be of a study, what is there and what is missing, as plain lines."""
    study = plan.study
    kinds = Counter(trial.kind for trial in plan.trials)
    states = Counter(plan.states(out).values())
    there = sum(states[state] for state in ("complete", "stopped", "failed", "diverged"))
    lines = [
        f"study {study.name}: {study.title}".rstrip(": "),
        f"  arms       {len(plan.arms)}: {', '.join(arm.name for arm in plan.arms)}",
        f"  ratios     {', '.join(study.pruned_ratios)}; budgets {', '.join(map(str, study.budgets))} epochs; "
        f"seeds {', '.join(map(str, study.seeds))}",
        f"  trials     {len(plan.trials)}: "
        + ", ".join(f"{kinds[kind]} {kind}" for kind in ("baseline", "control", "pruned", "dense") if kinds[kind]),
        f"  records    {plan.records}",
        f"  there      {there} of {len(plan.trials)} trials"
        + "".join(f", {states[state]} {state}" for state in ("begun", "failed", "diverged", "stopped") if states[state]),
    ]
    if study.search.kind != "grid":
        lines.insert(4, f"  search     {study.search.kind}: up to {study.search.candidates or 'all'} candidates, each "
                        f"{len(study.seeds)} further trials")  # fmt: skip
    return "\n".join(lines)
