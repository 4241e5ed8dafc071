"""A plan as text: arms, trials, records, what is there already, what can be found, and what the rest costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from prune_core.base.kinds import KINDS, PRUNED
from prune_core.base.trial_folder import finished_budgets
from prune_core.metrics.numbers import counted, duration, short_count
from sweeps.cost.calibration import FRESH_SECONDS, speeds_of
from sweeps.cost.cards import card_lines
from sweeps.cost.cost import NOT_HERE, cost_of
from sweeps.cost.sizes import sizes_of
from sweeps.folder.paths import trial_folder
from sweeps.plan.builds import other_builds
from sweeps.plan.changes import why_new
from sweeps.plan.data_facts import UNKNOWN
from sweeps.run.missing_metrics import Lacking, lacking
from sweeps.run.plan_limits import image_lines, limit_warnings
from sweeps.run.plan_power import power_lines
from sweeps.search.more_seeds import decided_trials
from sweeps.search.outlook import outlook_lines
from sweeps.search.plan_more_seeds import allowance, allowance_line, competing_lines

if TYPE_CHECKING:
    from sweeps.cost.cost import Cost
    from sweeps.plan.plan import Plan
    from sweeps.study.model import Study


def plan_text(
    plan: Plan,
    out: Path,
    *,
    hours: float | None = None,
    lacks: Lacking | None = None,
    within: float = FRESH_SECONDS,
    finds: Sequence[str] | None = None,
) -> str:
    """Return what there should be of a study, what is there and what is missing, as plain lines.

    Args:
        plan: what there should be.
        out: the output folder.
        hours: cap on the wall time of the next run; by default the study's.
        lacks: what the records lack, where that is known: to see it, every record is read.
        within: how old the measured speed of a network may be, in seconds; one that is older is measured again.
        finds: what the study can find, where that is known (`power_lines`).
    """
    study = plan.study
    lines = count_lines(plan, out)
    lines += [f"  changed    {line}" for line in why_new(plan, out)]
    found = lacking(study, out) if lacks is None else lacks
    lines += [f"  metrics    {line}" for line in (*found.to_fill, *found.left)]
    mixed = other_builds(plan, out)
    if mixed is not None:
        lines.append(f"  builds     mixed builds ({study.resources.mixed_builds}): {mixed}")
    if study.search.kind != "grid":
        controls = ", and as many controls of its own rate" if study.search.learning_rate is not None else ""
        lines.insert(
            next(at for at, line in enumerate(lines) if line.startswith("  records")),
            f"  search     {study.search.kind}: {_candidates(study.search.candidates)}, each "
            f"{counted(len(study.seeds), 'further trial')}{controls}",
        )
    lines += outlook_lines(study.search, out)
    lines += competing_lines(plan, out)
    if study.search.early_stopping is not None:
        lines.append(f"  stopping   {_stopping(study.search.early_stopping)}; below is the most that it costs")
    lines += [*(power_lines(plan, out) if finds is None else finds), *image_lines(study)]
    lines += limit_warnings(plan)
    return "\n".join([*lines, *_cost_lines(plan, out, hours or study.resources.max_hours, within)])


def count_lines(plan: Plan, out: Path) -> list[str]:
    """Return what there should be and what is there, without what it costs; arms that are only in the trials are counted."""
    study = plan.study
    kinds = Counter(trial.kind for trial in plan.trials)
    states = Counter(plan.states(out).values())
    there = sum(states[state] for state in ("complete", "stopped", "failed", "diverged"))
    written = sum(len(set(each.budgets) & set(finished_budgets(trial_folder(out, each.key)))) for each in plan.trials)
    arms = [arm.name for arm in plan.arms] or list(dict.fromkeys(each.arm for each in plan.trials if each.kind == PRUNED))
    return [
        f"study {study.name}: {study.title}".rstrip(": "),
        f"  arms       {len(arms)}: {', '.join(arms)}",
        f"  ratios     {', '.join(study.pruned_ratios)}; budgets {_epochs(study.budgets)}; "
        f"seeds {', '.join(map(str, study.seeds))}",
        *([f"  data       {plan.data.contents}"] if plan.data is not None and plan.data.counted else []),
        f"  trials     {len(plan.trials)}: " + ", ".join(f"{kinds[kind]} {kind}" for kind in KINDS if kinds[kind]),
        f"  records    {plan.records}{_cells(study)}" + (f"; {written} of them there" if written else ""),
        f"  there      {there} of {len(plan.trials)} trials"
        + "".join(f", {states[state]} {state}" for state in ("begun", "failed", "diverged", "stopped") if states[state]),
    ]


def _candidates(most: int | None) -> str:
    return "all candidates" if most is None else f"up to {counted(most, 'candidate')}"


def _epochs(budgets: Sequence[int]) -> str:
    return f"{', '.join(map(str, budgets))} epoch{'s' * (list(budgets) != [1])}"


def _stopping(setting: float | Mapping[str, object]) -> str:
    if isinstance(setting, Mapping):
        options = ", ".join(f"{name} {value}" for name, value in setting.items() if name != "rule")
        return f"at each budget the rule {setting['rule']} says which candidates go on" + (
            f" ({options})" if options else ""
        )
    return f"at each budget about {setting:.0%} of the candidates go on"


def _cells(study: Study) -> str:
    """Where the test images under corruption are judged, if not everywhere."""
    if study.evaluation.corruptions == "none" or study.report_budgets == study.budgets:
        return ""
    budgets, why = ", ".join(map(str, study.report_budgets)), "as evaluation.report_budgets says"
    if study.evaluation.report_budgets is None:
        why = f"{study.evaluation.images_per_cell:,} images per cell are not cheap; evaluation.report_budgets asks for more"
    return f"; test images under corruption are judged at budget {budgets} only ({why})"


def _cost_lines(plan: Plan, out: Path, cap: float | None, within: float) -> list[str]:
    """What the missing part costs, extra seeds besides; nothing is measured when nothing is missing."""
    extra = allowance(plan, out)
    besides = [] if extra is None else [allowance_line(plan, extra, out)]
    missing = plan.study.search.kind != "grid" or bool(plan.missing(out))
    if not missing and (extra is None or not extra.missing(out)):
        return [*besides, "  cost       none: everything is there"]
    sizes = sizes_of(plan.study, plan.data or UNKNOWN)
    if sizes is None:
        return [*besides, "  cost       unknown: the data is not at hand"]

    unknown: dict[str, str] = {}
    speeds = speeds_of(plan.study, plan.trials, sizes, within=within, on_failure=unknown.__setitem__)
    unmeasured = [f"  unknown    network {label}: {reason} (not in the cost below)" for label, reason in unknown.items()]
    if not speeds:
        return [*besides, *unmeasured, "  cost       unknown: no network can be measured"]
    decided = decided_trials(plan, out)
    cost = cost_of(plan, out, speeds, sizes, decided)
    wall = cost.wall_seconds
    missing = bool(plan.missing(out)) or cost.macs > 0  # a search that has had all its candidates misses nothing
    if not missing and extra is None:
        return [*besides, "  cost       none: everything is there"]
    lines = _own_cost(plan, cost) if missing else ["  cost       none of the study's own seeds: everything is there"]
    lines[2:2] = card_lines(plan, out, speeds, sizes, decided) if missing else []
    lines = [*unmeasured, *lines]
    if extra is not None:
        further = cost_of(extra, out, speeds, sizes, decided)
        wall += further.wall_seconds
        time = (
            "" if further.device == NOT_HERE else f"about {duration(further.device_seconds)} of {further.device.upper()}, "
        )
        spent = f"{time}{size(further.disk_bytes)}"
        lines.append(allowance_line(plan, extra, out, spent if further.device_seconds else ""))
    if cap is not None and wall > cap * 3600 and cost.device != NOT_HERE:
        lines.append(f"  more than  the cap of {cap:g} hours: the run will stop there, with a report of what is done")
    if plan.checksum is None:
        lines.append("  data       not at hand: nothing can be known to be there already")
    return lines


def planned_seconds(plan: Plan, out: Path) -> float | None:
    """Return how long what is missing should take, in seconds of wall time; None where nobody knows.

    Extra seeds are left out: who gets them is decided on the way.
    """
    sizes = sizes_of(plan.study, plan.data or UNKNOWN)
    if sizes is None:
        return None
    speeds = speeds_of(plan.study, plan.trials, sizes, on_failure=lambda label, reason: None)
    cost = cost_of(plan, out, speeds, sizes, decided_trials(plan, out))
    return cost.wall_seconds if speeds and cost.device != NOT_HERE else None


def _own_cost(plan: Plan, cost: Cost) -> list[str]:
    basis = (
        f"corrected by {counted(cost.measured, 'finished trial')}"
        if cost.measured
        else "from a short calibration on this machine"
    )
    at_a_time = f"{counted(cost.concurrency, 'trial')} at a time"
    alone = f"{duration(cost.device_seconds)} of {cost.device.upper()}"
    time = f"about {duration(cost.wall_seconds)} with {at_a_time}, {alone}, {basis}"
    if cost.device == NOT_HERE:
        time = "unknown: the study asks for a GPU, and there is none here to measure"
    lines = [
        f"  time       {time}",
        f"  disk       about {size(cost.disk_bytes + cost.book_bytes)} until the study is done: {size(cost.disk_bytes)} of "
        f"trials (keep: {plan.study.keep}), {size(cost.book_bytes)} of report, tables and MLflow",
        f"  memory     about {size(cost.trial_bytes)} per trial",
    ]
    if cost.device == NOT_HERE:
        lines.insert(1, f"  work       about {short_count(cost.macs)} multiply-accumulates")
    return lines


def size(count: int) -> str:
    """Return a number of bytes as people say it: 12 MB, 3.4 GB."""
    if count < 10**6:
        return f"{max(1, round(count / 1000))} kB"
    return f"{count / 1e6:.0f} MB" if count < 10**9 else f"{count / 1e9:.1f} GB"
