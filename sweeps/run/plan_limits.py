"""What of a study can never meet its limits, said before its hours are spent: costs that are known before any training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

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
    """Return `never_lines` as the plan holds them, or find them out; none where there is no limit, or no data at hand."""
    if plan.never is not None:
        return list(plan.never)
    sizes = sizes_of(plan.study, plan.data or UNKNOWN) if plan.study.limits and plan.arms else None
    return [] if sizes is None else never_lines(plan, sizes)


def never_lines(plan: Plan, sizes: Sizes) -> list[str]:
    """Return which networks can never meet a limit on a cost, arm by arm, and whether any can meet all of them.

    Args:
        plan: of the study.
        sizes: of the data.
    """
    study = plan.study
    columns = {limit.column for limit in study.parsed_limits}
    bases = [*(arm.base for arm in plan.arms), *dense_bases(study)]
    from prune_core.pruning.probe import for_images  # torch, as for the costs

    with for_images(*sizes.shape[:2]):
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
