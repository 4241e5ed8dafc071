"""What of a study can never meet its limits, said before its hours are spent: costs that are known before any training."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from prune_core import networks, pruning
from prune_core.metrics.quantities import quantity_of
from sweeps import cost
from sweeps.cost.sizes import Sizes, sizes_of
from sweeps.front.limits import number_beside
from sweeps.plan.arms import dense_bases
from sweeps.plan.data_facts import UNKNOWN
from sweeps.study.images import images_of, is_corrupted
from sweeps.study.model import Study
from sweeps.study.values import Limit

if TYPE_CHECKING:
    from sweeps.cost.known import KnownCosts
    from sweeps.plan.plan import Plan


def image_lines(study: Study) -> list[str]:
    """Return which images, under which corruptions, the study's limits and objectives are measured on."""
    evaluation = study.evaluation.model_dump(mode="json")
    columns = [*study.decisive, *(limit.column for limit in study.parsed_limits)]
    images: dict[str, list[str]] = {}
    for column in filter(is_corrupted, dict.fromkeys(columns)):
        images.setdefault(images_of(column, evaluation), []).append(column)
    limits = [f"  limits     {', '.join(study.limits)}"] if study.limits else []
    return [*limits, *(f"  decided by {' and '.join(names)} of {of}" for of, names in images.items())]


def limit_warnings(plan: Plan) -> list[str]:
    """Return what can never be, as the plan holds it, or find it out: arms that cannot be pruned, limits that nothing meets.

    Without data at hand nothing is known of what a network costs.
    """
    if plan.never is not None:
        return list(plan.never)
    study, lines = plan.study, impossible_lines(plan.study.parsed_limits)
    sizes = sizes_of(study, plan.data or UNKNOWN) if plan.arms and (study.limits or study.plugins) else None
    if sizes is None:
        return lines
    arms = unprunable_lines(plan, sizes) if study.plugins else []
    return [*arms, *lines, *(never_lines(plan, sizes) if study.limits else [])]


def unprunable_lines(plan: Plan, sizes: Sizes) -> list[str]:
    """Return which arms of somebody's own networks cannot be pruned, and why."""
    own = [arm for arm in plan.arms if networks.NETWORKS.module(str(arm.base.section.name)) is not None]
    if not own:
        return []
    return [f"  warning    arm {name} will fail: {reason}" for name, reason in cost.unprunable(own, sizes).items()]


def impossible_lines(limits: Sequence[Limit]) -> list[str]:
    """Return which limits no number can meet: 90 where a share is at most 1, or two that exclude each other."""
    lines = []
    for limit in limits:
        one = quantity_of(limit.column)
        best = None if one is None else one.low if limit.comparison.startswith("<") else one.high
        if one is not None and not one.is_cost and best is not None and not limit.holds(best):
            bound = "least" if limit.comparison.startswith("<") else "most"
            lines.append(f"  warning    no network can meet {limit}: {limit.column} is {best:g} at {bound}")
    for first, other in combinations(limits, 2):
        if first.column == other.column and first.comparison[0] != other.comparison[0] and not _compatible(first, other):
            lines.append(f"  warning    no network can meet both {first} and {other}")
    return lines


def _compatible(one: Limit, other: Limit) -> bool:
    between = (one.value + other.value) / 2
    return (one.holds(between) and other.holds(between)) or (one.holds(other.value) and other.holds(one.value))


def never_lines(plan: Plan, sizes: Sizes) -> list[str]:
    """Return which networks can never meet a limit on a cost, arm by arm, and whether any can meet all of them.

    Args:
        plan: of the study.
        sizes: of the data.
    """
    study = plan.study
    columns = {limit.column for limit in study.parsed_limits}
    bases = [*(arm.base for arm in plan.arms), *dense_bases(study)]
    with pruning.for_images(*sizes.shape[:2]):
        known = cost.known_costs(plan.arms, bases, sizes, columns)
    pruned, unpruned = [one for one in known if one.ratio != "0"], [one for one in known if one.ratio == "0"]
    lines = [line for limit in study.parsed_limits for line in _of_limit(plan, limit, pruned, unpruned)]
    return [*lines, *_together(plan, study.parsed_limits, pruned)]


def _of_limit(plan: Plan, limit: Limit, pruned: Sequence[KnownCosts], unpruned: Sequence[KnownCosts]) -> list[str]:
    known = [one for one in pruned if limit.column in one.costs]
    if not known and not any(limit.column in one.costs for one in unpruned):
        return []
    never = [one for one in known if _never(one, limit)]
    unsure = [arm.name for arm in plan.arms if not any(one.name == arm.name for one in known)]
    if not never:
        return []
    at_least = " at least" if limit.column == "size_bytes" else ""
    if len(never) == len(known) and not unsure:
        nearest = min(never, key=lambda one: limit.excess(one.costs[limit.column]))
        shown = number_beside(limit, nearest.costs[limit.column], limit.column)
        able = [one.name for one in unpruned if limit.column in one.costs and not _never(one, limit)]
        besides = f"; not pruned, {', '.join(able)} can" if able else ""
        said = f"no pruned network can meet {limit}: nearest is {nearest.name} at {nearest.ratio} with {shown}{at_least}"
        return [f"  warning    {said}{besides}"]
    said = f"{limit} is never met by {', '.join(_by_arm(never, limit))}"
    rest = f"; of {', '.join(unsure)} it is known only after training" if unsure else ""
    return [f"  warning    {said}{rest}"]


def _together(plan: Plan, limits: Sequence[Limit], pruned: Sequence[KnownCosts]) -> list[str]:
    """Say where each limit on a cost can be met, and no network can meet all."""
    settled = {(one.name, one.ratio): any(_never(one, limit) for limit in limits) for one in pruned}
    everything = {(arm.name, ratio) for arm in plan.arms for ratio in arm.ratios}
    if set(settled) != everything or not all(settled.values()):
        return []
    if any(all(_never(one, limit) for one in pruned) for limit in limits):
        return []  # that limit says it all
    return ["  warning    no pruned network can meet all limits on costs: each misses one of them"]


def _never(one: KnownCosts, limit: Limit) -> bool:
    value = one.costs.get(limit.column)
    if value is None or (limit.column == "size_bytes" and limit.comparison.startswith(">")):
        return False  # of a file's size only the least is known
    return not limit.holds(value)


def _by_arm(never: Sequence[KnownCosts], limit: Limit) -> list[str]:
    """Return the arms with their ratios and the number that comes nearest."""
    found = []
    for name in dict.fromkeys(one.name for one in never):
        own = [one for one in never if one.name == name]
        best = min(own, key=lambda one: limit.excess(one.costs[limit.column]))
        shown = number_beside(limit, best.costs[limit.column], limit.column)
        found.append(f"{name} at {', '.join(one.ratio for one in own)} ({shown} or {_worse(limit)})")
    return found


def _worse(limit: Limit) -> str:
    return "more" if limit.comparison.startswith("<") else "less"
