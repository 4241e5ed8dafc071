"""Everything that belongs to a study: what its file asks for, what its search asked for, the extra seeds it decided on."""

from __future__ import annotations

from pathlib import Path

from sweeps.folder.links import refuse_links
from sweeps.plan.keys import known_parts
from sweeps.plan.plan import Plan, candidate_trials, make_plan
from sweeps.plan.trials import PlannedTrial
from sweeps.plan.written import last_plan, written_plan
from sweeps.search.asked import asked_before
from sweeps.search.more_seeds import decided_trials
from sweeps.study.model import Study, read_study


def whole_plan(out: Path, study: Study | None = None) -> Plan:
    """Return the plan of the study in a folder, with what its search has asked for and the extra seeds that were decided on.

    Args:
        out: the output folder.
        study: the study, where its plugins are imported; otherwise it is read, and its plugins are not imported: then the
            trials of a study with plugins are those that its last run wrote down.

    Raises:
        BadInput: the study file is of another version, or names what is not there any more.
    """
    if study is None:
        refuse_links(out)
    plan = last_plan(out) if study is None else None
    if plan is None:
        known = read_study(out) if study is None else study
        if study is None and known.plugins:
            return written_plan(known, out)
        plan = make_plan(known, out, recorded=True)
    if plan.checksum is None:  # no trial was ever written: nothing that a search asked for is there
        return plan
    with known_parts(plan.parts):
        return plan.with_trials([*asked_trials(plan, out), *decided_trials(plan, out)])


def asked_trials(plan: Plan, out: Path) -> list[PlannedTrial]:
    """Return the trials of what the search of a folder has asked for, as the study is now."""
    arms = {arm.name: arm for arm in plan.arms}
    return [
        trial
        for candidate in asked_before(out)
        for trial in candidate_trials(
            plan.study,
            arms.get(candidate.arm, candidate.arm),
            candidate.ratio,
            candidate.fine_tuning,
            budgets=None if candidate.budget is None else (candidate.budget,),
            checksum=plan.checksum,
            earlier=plan.earlier,
        )
    ]
