"""Plan and run from Python: the same plan and the same run as those of the commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import prunefront.running as running
from prunefront import BadInput, RunFailed, load_study, plan, run


def test_the_plan_of_a_shipped_study_has_its_arithmetic() -> None:
    found = plan("quickstart")
    # 2 networks x 2 methods x 4 ratios ... as the study file says: 8 arms' worth of ratios, 3 seeds
    kinds = [trial.kind for trial in found.trials]
    assert (len(kinds), kinds.count("baseline"), kinds.count("control")) == (120, 12, 12)
    assert found.records == 228


def test_overrides_are_those_of_set() -> None:
    assert plan("quickstart", overrides=["seeds=[0]"]).study.seeds == (0,)
    with pytest.raises(TypeError, match="load_study"):
        plan(load_study("smoke"), overrides=["seeds=[0]"])
    with pytest.raises(BadInput, match="seeds"):
        plan("smoke", overrides=["seeds=many"])
    with pytest.raises(BadInput, match=r"allowed is a list of KEY=VALUE, here \['seeds=\[0\]'\]"):
        plan("smoke", overrides="seeds=[0]")


def test_nothing_is_missing_of_a_finished_study(finished: Path) -> None:
    assert plan(finished).missing(finished) == []


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Ask for a run that ends with ``status`` at once."""
    asked: dict[str, Any] = {"status": 0}

    def run_study(study: Any, out: Path, **options: Any) -> int:
        asked.update(options, study=study, out=out)
        return int(asked["status"])

    monkeypatch.setattr(running, "run_study", run_study)
    return asked


def test_a_run_is_handed_on_and_its_folder_opened(asked: dict[str, Any], finished: Path) -> None:
    found = run("smoke", finished, overrides=["seeds=[0, 1]"], max_hours=2, retry=True)
    assert found.path == finished and len(found.records) == 14
    assert asked["out"] == finished and asked["study"].name == "smoke"
    assert (asked["max_hours"], asked["retry"], asked["allow_failures"], asked["address"]) == (2, True, False, None)
    assert asked["on_end"] is not None


def test_the_folder_of_a_study_is_its_own(asked: dict[str, Any], finished: Path) -> None:
    run(finished)
    assert asked["out"] == finished


def test_a_run_that_fails_raises(asked: dict[str, Any], finished: Path) -> None:
    asked["status"] = 1
    with pytest.raises(RunFailed, match="status 1") as caught:
        run("smoke", finished)
    assert caught.value.folder == finished
    asked["status"] = 130
    with pytest.raises(KeyboardInterrupt):
        run("smoke", finished)
