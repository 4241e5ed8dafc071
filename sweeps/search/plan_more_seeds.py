"""What the allowance of extra seeds is in a plan: trials and cost, besides the study's own."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from prune_core.base.kinds import BASELINE, CONTROL, PRUNED
from sweeps.plan.state import final_status
from sweeps.search.competition import decisions_in
from sweeps.search.more_seeds import decision_names, extra_trials, in_the_end, is_decided, rule_of
from sweeps.search.space import Candidate
from sweeps.study.search_sections import SearchSection

if TYPE_CHECKING:
    from sweeps.plan.plan import Plan
    from sweeps.search.space import Candidate

_COUNTED = (BASELINE, CONTROL, PRUNED)


def allowance(plan: Plan, out: Path) -> Plan | None:
    """Return the trials of the extra seeds as a plan of their own; None where a study has no such rule.

    Before it is decided who gets them: the most that it can be, candidates of as many different baselines as there are.
    """
    if not in_the_end(plan.study):
        return None

    chosen = _chosen(plan, out)
    trials = extra_trials(plan, _stand_ins(plan) if chosen is None else chosen)
    whole = plan.study.model_copy(update={"search": SearchSection()})  # nothing of it is left to be chosen
    return replace(plan, study=whole, trials=tuple(trials))


def competing_lines(plan: Plan, out: Path) -> list[str]:
    """Return the lines of a plan about extra seeds that compete with new candidates; none where a study has none."""
    rule = plan.study.search.more_seeds
    if rule is None or in_the_end(plan.study):
        return []
    most = rule.candidates * len(rule.seeds)
    given = [extra for one in decisions_in(out, rule_of(plan.study) or {}) for extra, _ in one.chosen]
    so_far = "; ".join(f"{key} (seed {seed})" for key, seed in given) or "none"
    seeds = ", ".join(map(str, rule.seeds))
    return [
        f"  more seeds in place of new candidates, between batches: up to {most} (seeds {seeds}), with the unpruned "
        f"networks that they need out of the search's trials; so far {so_far}"
    ]


def allowance_line(plan: Plan, found: Plan, out: Path, cost: str = "") -> str:
    """Return the line of a plan about the extra seeds.

    Args:
        plan: of the study.
        found: its `allowance`.
        out: the output folder.
        cost: what is still to be spent, in words; empty where nothing is, or it is not known.
    """
    rule = plan.study.search.more_seeds
    kinds = Counter(trial.kind for trial in found.trials)
    counted = ", ".join(f"{kinds[kind]} {kind}" for kind in _COUNTED if kinds[kind]) or "none"
    seeds = ", ".join(map(str, rule.seeds)) if rule is not None else ""
    if _chosen(plan, out) is None:
        most = rule.candidates if rule is not None else 0
        some = f"{most} candidate{'s' if most != 1 else ''} of uncertain place"
        who = f"for up to {some}, when all else has ended, seeds {seeds}: up to {counted}"
    else:
        there = sum(status is not None for status in (final_status(trial, out) for trial in found.trials))
        who = decision_names(out)
        who += f", seeds {seeds}: {counted} trials, {there} of them there" if found.trials else ""
    return f"  more seeds besides: {who}{'; ' if cost else ''}{cost}"


def _chosen(plan: Plan, out: Path) -> list[Candidate] | None:
    """Return who gets the extra seeds; None while that is open, also where a study has grown since it was decided."""
    return None if plan.missing(out) else is_decided(plan, out)


def _stand_ins(plan: Plan) -> list[Candidate]:

    rule, search = plan.study.search.more_seeds, plan.study.search
    longest = plan.study.budgets[-1]
    budget = None if search.kind == "grid" or search.early_stopping is not None else longest
    place: Counter[str] = Counter()
    order = []
    for arm in plan.arms:
        if arm.reached((longest,)):
            order += [(number, place[arm.base.name], arm, ratio) for number, ratio in enumerate(arm.ratios)]
            place[arm.base.name] += 1
    order.sort(key=lambda one: one[:2])
    most = rule.candidates if rule is not None else 0
    rate = search.learning_rate
    return [
        Candidate(
            arm.name, ratio, budget, {"learning_rate": rate[0] + (rate[1] - rate[0]) * at / most} if rate and longest else {}
        )
        for at, (_, _, arm, ratio) in enumerate(order[:most])
    ]
