"""Whether what is there was made by the versions that would do the rest: said before a run, or refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune_core.base.build import BUILD, NOT_RECORDED, build_text, software_text
from prune_core.base.errors import BadInput
from prune_core.base.store import Store
from prune_core.base.trial_folder import read_record
from prune_core.trial.build import made_by, this_build
from sweeps.folder.paths import store_folder, trial_folder
from sweeps.plan.state import baseline_ready

if TYPE_CHECKING:
    from sweeps.plan.plan import Plan


def other_builds(plan: Plan, out: Path) -> str | None:
    """Return in a line what is there of other versions than those of this process; None where nothing is, or all is there.

    The versions alone are compared: where the trials run, the processor may be another one than here.
    """
    if plan.study.search.kind == "grid" and not plan.missing(out):
        return None
    here = software_text(this_build("cpu"))
    counts: Counter[tuple[str, str]] = Counter()
    for trial in plan.trials:
        for budget in trial.budgets:
            record = read_record(trial_folder(out, trial.key), budget)
            if record is not None:
                counts["record", _made(record)] += 1
    for key in {trial.baseline_key for trial in plan.trials if baseline_ready(trial.baseline_key, out)}:
        counts["baseline", _made(made_by(Store(store_folder(out)).path(key)))] += 1
    other = [
        f"{count} {what}{'s' if count != 1 else ''} by {build}"
        for (what, build), count in sorted(counts.items())
        if not build.startswith(f"{here} on ")
    ]
    return f"{', '.join(other)} are there; the rest would be made by {here}" if other else None


def require_one_build(plan: Plan, out: Path) -> None:
    """Check that a study that refuses mixed builds does not get any.

    Raises:
        BadInput: records or baselines of another build, or of one that is not recorded, are there and something is missing.
    """
    line = other_builds(plan, out) if plan.study.resources.mixed_builds == "refuse" else None
    if line is not None:
        raise BadInput(f"resources.mixed_builds: refuse, but {line} (allowed: those versions, another --out, or allow)")


def _made(record: dict[str, Any] | None) -> str:
    if record is None or build_text(record) is None:
        return NOT_RECORDED
    return f"{software_text({name: record[name] for name in BUILD})} on {record['processor']}"
