"""The tables of an output folder: records and front, of all that the study asked for."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sweeps.more_seeds import decided_trials
from sweeps.pareto import write_front
from sweeps.plan import Plan, candidate_trials, make_plan
from sweeps.records import write_records
from sweeps.search_setup import asked_before
from sweeps.study import Study, load_study

_SHOWN = ("accuracy", "ece", "nll", "mpc", "nonzero_parameters", "macs", "compression")


def write_tables(study: Study, records: pd.DataFrame, out: Path) -> None:
    """Write ``records.parquet``, ``records.csv`` and ``front.csv``."""
    write_records(records, out)
    write_front(out, records, study.objectives, shown=_SHOWN, select_on=study.select_on, seeds=study.seeds)


def whole_plan(out: Path) -> Plan:
    """Return the plan of the study in a folder, with what its search has asked for and the extra seeds that were decided on.

    Raises:
        BadInput: the study file is of another version, or names what is not there any more (a plugin).
    """
    study = load_study(out / "study.yaml")
    plan = make_plan(study, out, data_required=False)
    asked = [
        trial
        for candidate in asked_before(out)
        for trial in candidate_trials(
            study,
            candidate.arm,
            candidate.ratio,
            candidate.fine_tuning,
            budgets=None if candidate.budget is None else (candidate.budget,),
            checksum=plan.checksum,
        )
    ]
    return plan.with_trials([*asked, *decided_trials(plan, out)])
