"""GPU hours from a table, by hand; and what a plan says where there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gpu_rows import PAPER
from benchmarks.gpu_table import JUDGED_IMAGES, TRAINING_STEPS, hours
from sweeps.cost.cards import card_hours, card_lines, cards
from sweeps.cost.cost import RECORD_SECONDS, TRIAL_SECONDS, WORKER_SECONDS, Speed
from sweeps.cost.sizes import Sizes, sizes_of
from sweeps.plan.plan import Plan, make_plan
from sweeps.study.model import load_study

KNOWN = Speed(train=1.0, judge=1.0, parameters=1000, activation_bytes=5000, macs=70)


def rows() -> dict[str, list[dict[str, Any]]]:
    training = [
        {"network": label, "name": name, "options": options, "precision": "fp32", "batch": 64, "equal": True}
        | {"rate": 1000.0}
        for label, (name, options, _) in PAPER.items()
    ]
    evaluation = [{"network": label, "best_batch": 1000, "best": 50_000.0} for label in PAPER]
    return {"training": training, "evaluation": evaluation}


def written(folder: Path, found: dict[str, list[dict[str, Any]]], card: str = "NVIDIA X") -> None:
    (folder / "gpu-x.json").write_text(json.dumps({"card": card, "rows": found}))


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Plan, Sizes]:
    monkeypatch.setenv("PRUNEFRONT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PRUNEFRONT_CIFAR10", raising=False)
    study = load_study("paper")
    sizes = sizes_of(study)
    assert sizes is not None
    return make_plan(study, data_required=False), sizes


def test_the_hours_of_paper_are_those_of_the_table(paper: tuple[Plan, Sizes], tmp_path: Path) -> None:
    plan, sizes = paper
    written(tmp_path, rows())
    ((card, found),) = card_hours(plan, tmp_path, dict.fromkeys(PAPER, KNOWN), sizes, folder=tmp_path)
    steps, images = 6 * TRAINING_STEPS / 1000, 6 * JUDGED_IMAGES / 50_000
    by_table = hours(rows()["training"], rows()["evaluation"], "fp32")
    assert by_table is not None
    assert by_table == pytest.approx((steps + images) / 3600)
    # the plan counts what a trial costs beside the two, and 50,000 images as 781.25 batches
    records = sum(len(trial.budgets) for trial in plan.trials)
    beside = len(plan.trials) * TRIAL_SECONDS + records * RECORD_SECONDS + 8 * WORKER_SECONDS
    assert card.name == "NVIDIA X" and found == pytest.approx(by_table + beside / 3600, rel=0.01)


def test_what_was_not_measured_is_not_told(paper: tuple[Plan, Sizes], tmp_path: Path) -> None:
    plan, sizes = paper
    speeds = dict.fromkeys(PAPER, KNOWN)

    def told(change: dict[str, Any], part: str = "training") -> bool:
        found = rows()
        found[part][0] |= change
        written(tmp_path, found)
        return bool(card_hours(plan, tmp_path, speeds, sizes, folder=tmp_path))

    assert told({})
    assert not told({"rate": "needs CUDA"})
    assert not told({"precision": "tf32"})
    assert not told({"batch": 128})
    assert not told({"options": {}})
    assert not told({"best": "needs CUDA"}, "evaluation")
    (tmp_path / "gpu-x.json").write_text("{")
    assert list(cards(tmp_path)) == []


def test_a_plan_without_a_gpu_and_without_a_table_says_so(paper: tuple[Plan, Sizes], tmp_path: Path) -> None:
    plan, sizes = paper
    other = dict.fromkeys(PAPER, KNOWN)
    assert card_lines(plan, tmp_path, dict.fromkeys(PAPER, Speed(1.0, 1.0, 1, 1, 1, "gpu")), sizes) == []
    (line, *_) = card_lines(plan, tmp_path, other, sizes)
    assert "GPU hours" in line and ("make gpu-check" in line or "docs/results/gpu-" in line)
