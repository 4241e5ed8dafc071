"""A study that grows and shrinks: only the missing part runs, and the records are those of a study run at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy
import pandas as pd

from prune_core.base.trial_folder import finished_budgets
from sweeps.engine.worker import run_planned
from sweeps.folder.paths import trial_folder
from sweeps.front.front import write_front
from sweeps.plan.plan import make_plan
from sweeps.records.collect import collect
from sweeps.run.configuration import configuration
from sweeps.run.plan_text import plan_text
from sweeps.study.model import Study, load_study

SMALL = """
name: mine
data: {name: digits, train: 200, validation: 100, test: 100}
networks: {small_vgg: {options: {width: 4}}}
training: {epochs: 1}
arms: [{methods: [unstructured]}]
ratios: [0.5]
budgets: [0, 2]
seeds: [0]
evaluation: {corruptions: none, train_images: 0}
"""
GROWN = [
    "ratios=[0.3, 0.5]",
    "budgets=[0, 1, 2, 3]",
    "seeds=[0, 1]",
    "arms=[{methods: [unstructured], scratch: 0.5}, {methods: [l1_filter]}]",
    "dense={tiny: {name: small_vgg, options: {width: 2}}}",
]
TIMES = ["train_seconds", "evaluate_seconds"]


def study(folder: Path, overrides: list[str]) -> Study:
    (folder / "mine.yaml").write_text(SMALL, encoding="utf-8")
    return load_study(folder / "mine.yaml", overrides)


def run(chosen: Study, out: Path) -> tuple[pd.DataFrame, list[str], bytes]:
    """Do what is missing, as the workers do it; return records, what ran, and the front."""
    plan = make_plan(chosen, out)
    ran = []
    for trial in plan.missing(out):
        assert run_planned(configuration(chosen, out, trial))["status"] == "complete"
        ran.append(trial.name)
    records = collect(out, plan.trials, study=chosen.name)
    front = write_front(out, records, chosen.objectives, select_on=chosen.select_on, seeds=chosen.seeds)
    return records, ran, front.read_bytes()


def test_only_what_is_missing_runs_and_what_is_not_asked_for_leaves_the_tables(tmp_path: Path) -> None:
    out = tmp_path / "grown" / "mine"
    small, large = study(tmp_path, []), study(tmp_path, GROWN)
    first, ran, front = run(small, out)
    assert ran == ["small_vgg-baseline-s0", "small_vgg-control-s0", "small_vgg-unstructured-r0.50-s0"]
    old = {path: path.stat().st_mtime_ns for path in out.glob("trials/*/budget-*/record.json")}

    said = plan_text(make_plan(large, out), out)
    # by hand: 2 baselines, 2 dense, 2 controls, 2 x 2 x 2 pruned, 2 from scratch; 4 budgets where there is fine-tuning
    assert "trials     16: 2 baseline, 2 control, 8 pruned, 2 dense, 2 scratch" in said
    assert f"records    {2 + 2 + 2 + 4 * 10}; 5 of them there" in said
    assert "there      1 of 16 trials, 2 begun" in said
    grown, ran, _ = run(large, out)
    assert len(ran) == 15 and "small_vgg-baseline-s0" not in ran
    assert {path: path.stat().st_mtime_ns for path in old} == old, "a record that was there was written again"
    at_once, _, _ = run(large, tmp_path / "at once" / "mine")
    pd.testing.assert_frame_equal(grown.drop(columns=TIMES), at_once.drop(columns=TIMES))

    shrunk, ran, narrow = run(small, out)
    assert ran == [] and narrow == front
    pd.testing.assert_frame_equal(shrunk, first)
    assert sum(len(finished_budgets(trial_folder(out, trial.key))) for trial in make_plan(large, out).trials) == 46
    assert "everything is there" in plan_text(make_plan(small, out), out)


def test_images_that_moved_are_not_trained_on_again(tmp_path: Path) -> None:
    stream = numpy.random.default_rng(0)
    images, labels = stream.integers(0, 256, (300, 8, 8, 1), dtype=numpy.uint8), numpy.arange(300) % 10
    numpy.savez(tmp_path / "here.npz", images=images, labels=labels)
    data = "data={name: 'arrays:here.npz', train: 100, validation: 100, test: 100}"
    _, ran, _ = run(study(tmp_path, [data]), tmp_path / "out" / "mine")
    assert len(ran) == 3
    shutil.move(tmp_path / "here.npz", tmp_path / "there.npz")
    _, ran, _ = run(study(tmp_path, [data.replace("here", "there")]), tmp_path / "out" / "mine")
    assert ran == []
