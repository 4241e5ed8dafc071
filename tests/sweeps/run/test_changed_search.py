"""A study with a search by Optuna is a desired state, too: what a change adds is run, what it takes away goes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from prune_core.base.files import read_json, write_json
from prune_core.base.trial_folder import OUTCOME
from sweeps.folder.paths import ASKED, RECORDS, trial_folder
from sweeps.run import driver
from sweeps.run.status import status_text
from sweeps.search.whole_plan import whole_plan
from sweeps.study.model import load_study
from tests.sweeps.inline import run_inline, without_ray

STUDY = """
name: changed
demonstration: true
data: {name: digits, validation: 40, test: 40, train: 120}
networks:
  small_vgg: {options: {width: 4}}
training: {epochs: 1, learning_rate: 0.1}
fine_tuning: {learning_rate: 0.01}
arms:
  - methods: [unstructured, l1_filter]
ratios: [0.3, 0.5, 0.7]
budgets: [0]
seeds: [0]
search: {kind: optuna, candidates: 3, batch: 3, sampler: tpe}
evaluation: {corruptions: none, train_images: 0}
objectives: {accuracy: max, nonzero_parameters: min}
tracking: {log_models: 0}
"""


@pytest.fixture(scope="module", name="searched")
def _searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose search has ended, beside its study file."""
    folder = tmp_path_factory.mktemp("searched")
    (folder / "changed.yaml").write_text(STUDY)
    with pytest.MonkeyPatch.context() as patch:
        without_ray(patch)
        assert run_inline(folder / "changed.yaml", folder / "out")[0] == 0
    return folder


@pytest.fixture(name="there")
def _there(searched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    without_ray(monkeypatch)
    return Path(shutil.copytree(searched, tmp_path / "there"))


def pruned(there: Path) -> set[tuple[str, float, int]]:
    records = pd.read_parquet(there / "out" / RECORDS)
    rows = records[records["ratio"] > 0]
    return set(zip(rows["arm"], rows["ratio"], rows["seed"], strict=True))


def test_a_further_seed_is_run_for_every_candidate_of_the_search(there: Path) -> None:
    asked, before = read_json(there / "out" / ASKED), pruned(there)
    assert len(before) == 3
    assert run_inline(there / "changed.yaml", there / "out", ("seeds=[0, 1]",))[0] == 0
    assert pruned(there) == {(arm, ratio, seed) for arm, ratio, _ in before for seed in (0, 1)}
    assert read_json(there / "out" / ASKED) == asked
    assert "  cost       none: everything is there" in status_text(there / "out")


def test_another_recipe_is_run_for_every_candidate_of_the_search(there: Path) -> None:
    before = pruned(there)
    status, said = run_inline(there / "changed.yaml", there / "out", ("training.learning_rate=0.05",))
    assert status == 0 and pruned(there) == before, said


def test_a_method_that_is_taken_away_goes_from_the_search(there: Path) -> None:
    write_json(there / "out" / ASKED, ["small_vgg-l1_filter|0.3|0", *read_json(there / "out" / ASKED)])
    status, said = run_inline(there / "changed.yaml", there / "out", ("arms=[{methods: [unstructured]}]",))
    assert status == 0, said
    assert {arm for arm, _, _ in pruned(there)} == {"small_vgg-unstructured"}
    assert {each.arm for each in whole_plan(there / "out").trials if each.kind == "pruned"} == {"small_vgg-unstructured"}
    assert "small_vgg-l1_filter" not in status_text(there / "out")


def test_what_failed_in_a_search_is_tried_again_when_asked_for(there: Path) -> None:
    out = there / "out"
    before = pruned(there)
    failed = next(trial for trial in whole_plan(out).trials if trial.kind == "pruned")
    outcome = trial_folder(out, failed.key) / OUTCOME
    write_json(outcome, {**read_json(outcome), "status": "failed", "cause": "a full disk"})
    study = load_study(there / "changed.yaml")
    assert driver.run_study(study, out) == 1  # and says so as long as it is there
    assert driver.run_study(study, out, retry=True) == 0
    assert pruned(there) == before and read_json(outcome)["status"] == "complete"
