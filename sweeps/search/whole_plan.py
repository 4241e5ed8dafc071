"""Everything that belongs to a study: what its file asks for, what its search asked for, the extra seeds it decided on."""

from __future__ import annotations

from pathlib import Path

from sweeps.folder.paths import STUDY
from sweeps.plan.plan import Plan, candidate_trials, make_plan
from sweeps.search.more_seeds import decided_trials
from sweeps.search.setup import asked_before
from sweeps.study.model import load_study


def whole_plan(out: Path) -> Plan:
    """Return the plan of the study in a folder, with what its search has asked for and the extra seeds that were decided on.

    Raises:
        BadInput: the study file is of another version, or names what is not there any more (a plugin).
    """
    study = load_study(out / STUDY)
    plan = make_plan(study, out, recorded=True)
    if plan.checksum is None:  # no trial was ever written: nothing that a search asked for is there
        return plan
    asked = [
        trial
        for candidate in asked_before(out)
        for trial in candidate_trials(
            plan.study,
            candidate.arm,
            candidate.ratio,
            candidate.fine_tuning,
            budgets=None if candidate.budget is None else (candidate.budget,),
            checksum=plan.checksum,
        )
    ]
    return plan.with_trials([*asked, *decided_trials(plan, out)])
