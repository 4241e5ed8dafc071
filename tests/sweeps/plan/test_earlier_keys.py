"""A folder of an earlier version, whose keys held more than matters: what is done stays done, what is added fits."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from prune_core.base.files import read_json
from prune_core.base.trial_folder import DESCRIPTION, OUTCOME
from prune_core.trial.description import EvaluationDescription, TrialDescription
from sweeps.cli.group import cli, run_cli
from sweeps.folder.paths import trial_folder
from sweeps.plan.plan import Plan, make_plan
from sweeps.records.control import control_keys
from sweeps.study.model import load_study
from tests.brought import brought_study
from tests.sweeps.inline import run_inline, without_ray


@pytest.fixture(name="old")
def _old(tmp_path: Path) -> Path:
    """The study file of a finished study with a checkpoint; its output folder `out` is beside it."""
    return brought_study(tmp_path)


def plan_of(file: Path, *overrides: str) -> Plan:
    return make_plan(load_study(file, overrides), file.parent / "out")


def missing(file: Path, *overrides: str) -> Counter[str]:
    return Counter(trial.kind for trial in plan_of(file, *overrides).missing(file.parent / "out"))


def test_an_earlier_folder_is_complete_under_its_own_keys(old: Path) -> None:
    plan = plan_of(old)
    assert {trial.key for trial in plan.trials} == {path.name for path in (old.parent / "out" / "trials").iterdir()}
    assert all(trial.key == trial.description.key for trial in plan.trials)
    assert missing(old) == Counter()


@pytest.mark.parametrize("change", ["training.epochs=3", "training.batch_size=16", "training.schedule=cosine"])
def test_only_what_is_trained_is_new_when_the_training_changes(old: Path, change: str) -> None:
    assert missing(old, change) == Counter(dense=2)


def test_what_reaches_a_network_with_a_checkpoint_is_new(old: Path) -> None:
    assert missing(old, "fine_tuning.learning_rate=0.02") == Counter(control=2, pruned=2)
    assert missing(old, "data.validation=100") == Counter(baseline=2, control=2, pruned=2, dense=2)
    assert missing(old, "evaluation.train_images=50") == Counter(baseline=2, control=2, pruned=2, dense=2)
    assert missing(old, "evaluation.corruptions=generated") == Counter(baseline=2, control=2, pruned=2, dense=2)


def test_images_of_cells_that_nobody_makes_make_nothing_new(old: Path) -> None:
    assert missing(old, "evaluation.images_per_cell=50", "evaluation.selection_images_per_cell=9") == Counter()
    assert missing(old, "evaluation.seed=3") == Counter()


def test_the_command_counts_what_is_new(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(cli, ["plan", str(old), "--out", str(old.parent / "out"), "--set", "training.epochs=2"]) == 0
    assert "there      6 of 8 trials" in capsys.readouterr().out


def test_what_is_added_starts_from_the_same_baseline_and_has_its_control(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_ray(monkeypatch)
    out = old.parent / "out"
    before = {path: path.read_bytes() for path in (out / "trials").rglob("*.json")}
    assert run_inline(old, out, ("ratios=[0.5, 0.7]", "training.epochs=2"))[0] == 0
    assert {path: path.read_bytes() for path in before} == before
    plan = plan_of(old, "ratios=[0.5, 0.7]", "training.epochs=2")
    added = [trial for trial in plan.trials if trial.ratio == "0.7"]
    assert plan.missing(out) == [] and len(added) == 2
    controls = control_keys(plan.trials)
    for trial in added:
        control = controls[trial.key]
        assert control is not None and out / "trials" / control / OUTCOME in before
        assert TrialDescription.read(trial_folder(out, control)).baseline.key == trial.baseline_key


def test_a_folder_that_moved_is_read_at_its_new_place(old: Path, tmp_path: Path) -> None:
    moved = Path(shutil.move(old.parent, tmp_path / "elsewhere")) / "mine.yaml"
    paths = {trial.description.baseline.checkpoint for trial in plan_of(moved).trials}
    assert {Path(each.path).parent for each in paths if each is not None} == {moved.parent}
    written = [read_json(path / DESCRIPTION) for path in (moved.parent / "out" / "trials").iterdir()]
    assert all("/study/" in str(each) for each in written if each["baseline"]["checkpoint"])


def test_a_new_folder_holds_what_matters_and_nothing_else(old: Path) -> None:
    study = load_study(old)
    for trial in make_plan(study, old.parent / "other").trials:
        baseline = trial.description.baseline
        assert (baseline.training is None) == (trial.kind != "dense") == (baseline.checkpoint is not None)
        assert trial.description.effective() == trial.description
        usual = EvaluationDescription()
        assert trial.description.evaluation.images_per_cell == usual.images_per_cell
