"""What a plan costs, against sums done by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from prune_core.base.files import write_json
from prune_core.cost.complexity import complexity
from prune_core.networks import build_network
from sweeps.cost.calibration import speeds_of
from sweeps.cost.cost import (
    NOT_HERE,
    RECORD_BYTES,
    RECORD_SECONDS,
    START_SECONDS,
    TRIAL_SECONDS,
    WORKER_SECONDS,
    Speed,
    cost_of,
)
from sweeps.cost.shared_epochs import epochs_to_train, expected_epochs
from sweeps.cost.sizes import Sizes, judged_images, logit_bytes, sizes_of
from sweeps.plan.plan import Plan, make_plan
from sweeps.run.plan_text import plan_text, planned_seconds, size
from sweeps.study.model import load_study

STUDY = """
name: mine
data: {name: digits, validation: 100, test: 200, train: 1000}
networks: {small_vgg: {options: {width: 4}}}
arms: [{methods: [unstructured]}]
training: {epochs: 3}
ratios: [0.5]
budgets: [0, 2]
seeds: [0]
evaluation: {corruptions: none, train_images: 200}
resources: {max_concurrent: 2}
"""
SPEED = Speed(train=100.0, judge=1000.0, parameters=1000, activation_bytes=5000, macs=70)


def planned(folder: Path, *overrides: str) -> tuple[Plan, Sizes]:
    (folder / "mine.yaml").write_text(STUDY, encoding="utf-8")
    study = load_study(folder / "mine.yaml", overrides)
    sizes = sizes_of(study)
    assert sizes is not None
    return make_plan(study), sizes


def test_images_are_counted_by_hand(tmp_path: Path) -> None:
    _, sizes = planned(tmp_path)
    assert (sizes.train, sizes.clean, sizes.cells, sizes.classes) == (1000, 100 + 200 + 200, 0, 10)
    _, sizes = planned(
        tmp_path, "evaluation={images_per_cell: 40, selection_images_per_cell: 30, train_images: 0}", "data.train=null"
    )
    # digits: 1,797 images, of which 300 are cut off
    assert (sizes.train, sizes.clean, sizes.cells) == (1497, 300, 75 * 40 + 20 * 30)
    assert judged_images(sizes) == 300 + 3600
    assert logit_bytes(sizes) == 10 * (4 * 300 + 2 * 3600)


def test_the_paper_is_sized_without_its_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PRUNEFRONT_CACHE", str(tmp_path))
    monkeypatch.delenv("PRUNEFRONT_CIFAR10", raising=False)
    sizes = sizes_of(load_study("paper"))
    assert sizes is not None
    # CIFAR-10 and CIFAR-10-C: 10,000 clean and 15 x 5 x 10,000 corrupted test images; we add 10,000 training images
    assert (sizes.train, sizes.clean, sizes.cells) == (50_000, 20_000, 750_000)


def test_seconds_are_epochs_and_records_by_hand(tmp_path: Path) -> None:
    plan, sizes = planned(tmp_path)
    cost = cost_of(plan, tmp_path / "out", {"small_vgg": SPEED}, sizes)
    epoch, judged = 1000 / 100, 500 / 1000
    # baseline: 3 epochs, judged once; control: 2 epochs, judged once more; pruned: 2 epochs, judged twice
    by_hand = (3 + 2 + 2) * epoch + (1 + 1 + 2) * judged + 3 * TRIAL_SECONDS + 5 * RECORD_SECONDS
    by_hand += 2 * WORKER_SECONDS  # two places
    assert cost.device_seconds == pytest.approx(by_hand)
    assert cost.concurrency == 2
    assert cost.macs == pytest.approx(7 * 1000 * 3 * 70 + 4 * 500 * 70)  # a training step counts as three forward passes
    assert cost.wall_seconds == pytest.approx(by_hand / 2 + START_SECONDS)
    # weights of 1,000 parameters, 500 images' logits, per record; weights and momentum of two trials that are fine-tuned
    assert cost.disk_bytes == 5 * (4000 + 10 * 4 * 500 + RECORD_BYTES) + 2 * 8000


def test_corrupted_test_images_cost_where_they_are_judged(tmp_path: Path) -> None:
    asked = "evaluation={images_per_cell: 40, selection_images_per_cell: 30, train_images: 200, report_budgets: [2]}"
    plan, sizes = planned(tmp_path, asked)
    cost = cost_of(plan, tmp_path / "out", {"small_vgg": SPEED}, sizes)
    few, all_of_it = (500 + 20 * 30) / 1000, (500 + 20 * 30 + 75 * 40) / 1000
    # all of it: the baseline at 0, the control and the pruned network at 2; the pruned one at 0 without those cells
    judged = 3 * all_of_it + few
    by_hand = 7 * 10 + judged + 3 * TRIAL_SECONDS + 5 * RECORD_SECONDS + (75 * 40 + 20 * 30) / 10_000
    assert cost.device_seconds == pytest.approx(by_hand + 2 * WORKER_SECONDS)
    assert "judged at budget 2 only (as evaluation.report_budgets says)" in plan_text(plan, tmp_path / "out")
    # A record that was made without them is judged again, not trained again.
    out, pruned = tmp_path / "out", plan.trials[-1]
    for trial in plan.trials:
        for budget in trial.budgets:
            found = {"train_seconds": 30.0, "evaluate_seconds": all_of_it, "report_cells": not (trial is pruned and budget)}
            write_json(out / "trials" / trial.key / f"budget-{budget:04d}" / "record.json", found)
        write_json(out / "trials" / trial.key / "outcome.json", {"status": "complete", "cause": None, "budgets": [0]})
    left = all_of_it + TRIAL_SECONDS + RECORD_SECONDS + (75 * 40 + 20 * 30) / 10_000
    assert cost_of(plan, out, {"small_vgg": SPEED}, sizes).device_seconds == pytest.approx(left + WORKER_SECONDS)


def test_from_scratch_costs_a_whole_training(tmp_path: Path) -> None:
    plan, sizes = planned(tmp_path)
    before = cost_of(plan, tmp_path / "out", {"small_vgg": SPEED}, sizes).device_seconds
    plan, sizes = planned(tmp_path, "arms.0.scratch=0.5")
    more = cost_of(plan, tmp_path / "out", {"small_vgg": SPEED}, sizes).device_seconds - before
    assert more == pytest.approx(3 * 1000 / 100 + 500 / 1000 + TRIAL_SECONDS + RECORD_SECONDS)


def test_a_plan_above_the_cap_says_so_first(tmp_path: Path) -> None:
    plan, _ = planned(tmp_path)
    assert "the cap of 0.001 hours: the run will stop there" in plan_text(plan, tmp_path / "out", hours=0.001)
    assert "the cap of" not in plan_text(plan, tmp_path / "out", hours=10)
    plan, _ = planned(tmp_path, "resources.max_hours=0.001")
    assert "the cap of 0.001 hours" in plan_text(plan, tmp_path / "out")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_here_is_said_and_nothing_is_measured_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRUNEFRONT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("sweeps.cost.measuring.train", lambda *_, **__: pytest.fail("trained"))
    plan, sizes = planned(tmp_path, "resources={device: cuda}")
    text = plan_text(plan, tmp_path / "out", hours=0.001)
    assert "  time       unknown: the study asks for a GPU, and there is none here to measure" in text
    assert "multiply-accumulates" in text and "the cap of" not in text
    assert planned_seconds(plan, tmp_path / "out") is None
    speed = speeds_of(plan.study, plan.trials, sizes)["small_vgg"]
    counted = complexity(build_network("small_vgg", in_channels=1, width=4), (1, *sizes.shape[:2]))
    assert (speed.macs, speed.parameters) == (counted.macs, counted.parameters)


def test_what_has_finished_says_how_fast_a_gpu_elsewhere_is(tmp_path: Path) -> None:
    plan, sizes = planned(tmp_path, "budgets=[0, 2, 5]")
    out, baseline = tmp_path / "out", plan.trials[0]
    for budget in baseline.budgets:
        record = {"train_seconds": 2.0, "evaluate_seconds": 0.05}
        write_json(out / "trials" / baseline.key / f"budget-{budget:04d}" / "record.json", record)
    cost = cost_of(plan, out, {"small_vgg": SPEED}, sizes)
    elsewhere = cost_of(plan, out, {"small_vgg": replace(SPEED, device=NOT_HERE)}, sizes)
    assert (elsewhere.device, elsewhere.measured) == ("gpu", 1)
    assert elsewhere.device_seconds == cost.device_seconds


def test_what_is_there_is_not_paid_again(tmp_path: Path) -> None:
    plan, sizes = planned(tmp_path, "budgets=[0, 2, 5]")
    out = tmp_path / "out"
    pruned = plan.trials[-1]
    for trial in plan.trials:
        budgets = [budget for budget in trial.budgets if not (trial is pruned and budget == 5)]
        for budget in budgets:
            record = {"train_seconds": 20.0, "evaluate_seconds": 0.5}
            write_json(out / "trials" / trial.key / f"budget-{budget:04d}" / "record.json", record)
        write_json(out / "trials" / trial.key / "outcome.json", {"status": "complete", "cause": None, "budgets": budgets})
    cost = cost_of(plan, out, {"small_vgg": SPEED}, sizes)
    # the baseline took 20.5 s where 3 epochs and one judgement were calculated: 30.5 s
    left = (3 * 10.0 + 0.5) * (20.5 / 30.5)
    assert cost.measured == 1
    assert cost.device_seconds == pytest.approx(left + TRIAL_SECONDS + RECORD_SECONDS + WORKER_SECONDS)
    write_json(out / "trials" / pruned.key / "budget-0005" / "record.json", {"train_seconds": 50.0, "evaluate_seconds": 0.5})
    assert cost_of(plan, out, {"small_vgg": SPEED}, sizes).device_seconds == 0
    assert "everything is there" in plan_text(plan, out)


@pytest.mark.parametrize(
    ("wanted", "trained", "epochs"),
    [([0, 2, 5], [], 5), ([5], [0, 2], 3), ([2], [0, 5], 2), ([2, 8], [0, 4], 2 + 4), ([0], [4], 0), ([], [3], 0)],
)
def test_epochs_are_trained_once_and_those_behind_the_furthest_walk_again_from_0(
    wanted: list[int], trained: list[int], epochs: int
) -> None:
    assert epochs_to_train(wanted, trained) == epochs


def test_a_try_goes_on_from_shorter_ones_with_the_probability_that_they_came_before() -> None:
    # all are tried: one comes first in half of the cases. 2 after 1: half of the time one epoch is there already
    assert expected_epochs([1, 2], 1.0) == pytest.approx({1: 1.0, 2: 1.5})
    # tried with probability 1/2, before it with 1/4
    assert expected_epochs([1, 2], 0.5) == pytest.approx({1: 1.0, 2: 1.75})
    assert expected_epochs([0, 4], 1.0) == pytest.approx({0: 0.0, 4: 4.0})
    # 4 of [1, 2, 4]: orders of three, the longest of what came before is 2 in 1/2, 1 in 1/6, nothing in 1/3
    assert expected_epochs([1, 2, 4], 1.0)[4] == pytest.approx(2 / 2 + 3 / 6 + 4 / 3)
    # 2: 4 came before in 1/2, or nothing did, and it is walked from 0; 1 alone came before in 1/6
    assert expected_epochs([1, 2, 4], 1.0)[2] == pytest.approx(2 - 1 / 6)


def test_a_search_costs_its_candidates_on_average(tmp_path: Path) -> None:
    plan, sizes = planned(tmp_path, "search={kind: random, candidates: 4}", "ratios=[0.3, 0.5, 0.7]")
    cost = cost_of(plan, tmp_path / "out", {"small_vgg": SPEED}, sizes)
    epoch, judged = 10.0, 0.5
    # 6 candidates in all, half of them at budget 0: on average one epoch and one judgement each
    by_hand = (3 + 2) * epoch + 2 * judged + 4 * (1 * epoch + judged) + (2 + 4) * TRIAL_SECONDS + (3 + 4) * RECORD_SECONDS
    assert cost.device_seconds == pytest.approx(by_hand + 2 * WORKER_SECONDS)


def test_calibration_measures_once_and_remembers(tmp_path: Path) -> None:
    plan, sizes = planned(tmp_path)
    first = speeds_of(plan.study, plan.trials, sizes, cache=tmp_path)["small_vgg"]
    assert first.train > 0 and first.judge > first.train
    # three convolutions (1, 4, 8, 16 channels), their batch norms, and the linear layer
    assert first.parameters == 9 * (4 + 32 + 128) + 2 * (4 + 8 + 16) + 170
    assert speeds_of(plan.study, plan.trials, sizes, cache=tmp_path)["small_vgg"] == first


@pytest.mark.parametrize(
    ("count", "text"), [(0, "1 kB"), (12_345, "12 kB"), (67_000_000, "67 MB"), (3_400_000_000, "3.4 GB")]
)
def test_sizes_as_people_say_them(count: int, text: str) -> None:
    assert size(count) == text
