"""What is there of other versions: said before a run, or refused where the study says so."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from prune_core.base.errors import BadInput
from prune_core.trial.build import this_build
from sweeps.engine.worker import run_planned
from sweeps.folder.paths import trial_folder
from sweeps.plan import builds
from sweeps.plan.builds import other_builds, require_one_build
from sweeps.plan.plan import make_plan
from sweeps.records.builds import builds_line
from sweeps.records.collect import collect
from sweeps.run.configuration import configuration
from sweeps.run.plan_text import plan_text
from sweeps.study.model import load_study

FIXTURE = Path(__file__).parents[2] / "fixtures" / "study-0.1.0.tar.xz"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The folder of a study that version 0.1.0 ran: nothing in it says its build."""
    with tarfile.open(FIXTURE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "smoke"


def test_a_folder_without_builds_is_used_by_default_and_said(old: Path) -> None:
    whole = make_plan(load_study(old / "study.yaml"), old)
    assert other_builds(whole, old) is None, "nothing is missing: nothing will be mixed"
    grown = load_study(old / "study.yaml", ["ratios=[0.3, 0.5]"])
    plan = make_plan(grown, old)
    line = other_builds(plan, old)
    assert line is not None
    assert line.startswith(
        "2 baselines by a build that is not recorded, 14 records by a build that is not recorded are there"
    )
    assert f"mixed builds (allow): {line}" in plan_text(plan, old)
    require_one_build(plan, old)
    trial = plan.missing(old)[0]
    assert run_planned(configuration(grown, old, trial))["status"] == "complete"
    records = collect(old, plan.trials, study="smoke")
    made = records[records["key"].eq(trial.key)]
    here = this_build("cpu")
    assert {name: set(made[name]) for name in here} == {name: {value} for name, value in here.items()}
    assert records["torch"].isna().sum() == 14 and made["baseline_build"].isna().all()
    said = builds_line(records)
    assert said is not None and "14 records by a build that is not recorded; 2 records by torch" in said
    assert said.endswith("2 of them from a baseline of another build")


def test_a_study_that_refuses_gets_no_other_build(old: Path) -> None:
    whole = load_study(old / "study.yaml", ["resources.mixed_builds=refuse"])
    require_one_build(make_plan(whole, old), old)  # all of it is there
    grown = load_study(old / "study.yaml", ["ratios=[0.3, 0.5]", "resources.mixed_builds=refuse"])
    plan = make_plan(grown, old)
    with pytest.raises(BadInput, match=r"resources.mixed_builds: refuse, but 2 baselines by a build that is not recorded"):
        require_one_build(plan, old)
    told = run_planned(configuration(grown, old, plan.missing(old)[0]))
    assert told["status"] == "failed" and "was made by a build that is not recorded" in str(told["cause"])


def test_records_of_this_build_beside_another_one(old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = tmp_path / "new" / "smoke"
    study = load_study(old / "study.yaml", ["seeds=[0]", "resources.mixed_builds=refuse"])
    plan = make_plan(study, new)
    baseline = next(trial for trial in plan.trials if trial.kind == "baseline")
    assert run_planned(configuration(study, new, baseline))["status"] == "complete"
    assert trial_folder(new, baseline.key).is_dir()
    require_one_build(plan, new)
    monkeypatch.setattr(builds, "this_build", lambda _: {**this_build("cpu"), "torch": "9.9"})
    with pytest.raises(BadInput, match=r"1 baseline by torch .* the rest would be made by torch 9.9"):
        require_one_build(plan, new)
