"""The check of a GPU: its dry run on the CPU, its sums by hand, and with a GPU each of its checks."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import gpu_checks
from benchmarks.gpu import main, measured
from benchmarks.gpu_checks import CheckFailed, checks
from benchmarks.gpu_rows import NEEDS_CUDA, PAPER, covered
from benchmarks.gpu_table import JUDGED_IMAGES, TRAINING_STEPS, hours, slug, table
from prune_core.networks import NETWORKS
from prune_core.pruning import METHODS
from prune_core.training import prepare_runtime
from sweeps.plan.plan import make_plan
from sweeps.study.model import load_study


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_the_dry_run_has_every_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], one_thread: None) -> None:
    assert main(["--device", "cpu", "--networks", "resnet110", "--out", str(tmp_path)]) == 0
    (file,) = tmp_path.glob("*.json")
    result = json.loads(file.read_text())
    rows = result["rows"]
    assert [(row["network"], row["precision"]) for row in rows["training"]] == [
        ("resnet110", precision) for precision in ("fp32", "tf32", "bf16")
    ]
    assert all(row["equal"] is True and row["graph"] == row["busy"] == NEEDS_CUDA for row in rows["training"])
    assert [row["resident"] for row in rows["evaluation"]] == [NEEDS_CUDA]
    assert {(row["network"], row["way"], row["at_once"]) for row in rows["sharing"]} == {
        (network, way, count)
        for network in ("resnet110", "vgg16")
        for way in ("streams", "processes")
        for count in (1, 2, 4)
    }
    assert [row["check"] for row in rows["checks"]] == list(checks())
    assert {row["outcome"] for row in rows["checks"]} == {NEEDS_CUDA}
    assert result["hours"] == {} and "no speeds" in result["card"]
    printed = capsys.readouterr().out
    assert file.with_suffix(".md").read_text() in printed and printed.count("\nsharing ") == 12


def test_every_network_and_method_has_a_check() -> None:
    names = " ".join(checks())
    assert all(f"network {network}" in checks() for network in NETWORKS.names())
    assert all(f"method {method} on" in names for method in METHODS.names())


def test_a_row_that_fails_takes_no_other_with_it() -> None:
    def bad() -> dict[str, Any]:
        raise RuntimeError("out of memory\nmore")

    todo = [("training", {"network": "a"}, bad), ("checks", {"check": "b"}, bad), ("training", {"network": "c"}, dict)]
    said: list[str] = []
    rows = measured(iter(todo), 1.0, said.append)
    assert rows["training"] == [{"network": "a", "error": "RuntimeError: out of memory"}, {"network": "c"}]
    assert rows["checks"][0]["outcome"] == "RuntimeError: out of memory" and len(said) == 3
    late = measured(iter(todo), -1.0, said.append)
    assert all("no time left" in row["error"] for part in late.values() for row in part)


def test_the_share_of_time_that_is_covered() -> None:
    """Two that overlap and one apart: 0 to 4 and 6 to 10 of 0 to 10."""
    assert covered([(6.0, 10.0), (0.0, 3.0), (2.0, 4.0), (2.5, 3.5)]) == pytest.approx(0.8)
    assert covered([(5.0, 7.0)]) == pytest.approx(1.0)
    assert math.isnan(covered([]))


def test_the_counts_are_those_of_the_study_paper(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Six networks with their options; steps and images of one of them, counted from the plan."""
    monkeypatch.setenv("PRUNEFRONT_CACHE", str(tmp_path))
    monkeypatch.delenv("PRUNEFRONT_CIFAR10", raising=False)
    study = load_study("paper")
    assert list(study.networks) == list(PAPER)
    for label, (name, options, sparsity) in PAPER.items():
        section = study.networks[label]
        assert section.name == name and options.items() <= section.options.items()
        assert {**study.training, **section.training}.get("sparsity", 0.0) == sparsity
    trials = [trial for trial in make_plan(study, data_required=False).trials if trial.network == "resnet110"]
    walks = [trial for trial in trials if trial.kind != "baseline"]
    baselines = [trial for trial in trials if trial.kind == "baseline"]
    assert (len(baselines), len(walks)) == (3, 45)
    an_epoch = math.ceil(50_000 / 64)
    assert len(baselines) * 160 * an_epoch + sum(max(trial.budgets) for trial in walks) * an_epoch == TRAINING_STEPS
    # a control at budget 0 is the baseline, whose logits are there
    judged = [(trial, budget) for trial in trials for budget in trial.budgets if (trial.kind, budget) != ("control", 0)]
    assert sum(20_000 + 750_000 * (budget in trial.report_budgets) for trial, budget in judged) == JUDGED_IMAGES


def test_hours_by_hand() -> None:
    rate = {"median": TRAINING_STEPS / 3600, "least": 1.0, "most": 2.0}
    training = [{"network": name, "precision": "fp32", "graph": rate, "equal": True} for name in PAPER]
    evaluation = [{"network": name, "best_batch": 1000, "best": JUDGED_IMAGES / 1800} for name in PAPER]
    assert hours(training, evaluation, "fp32") == pytest.approx(6 * 1.5)
    assert hours(training, evaluation, "tf32") is None
    assert hours(training[1:], evaluation, "fp32") is None
    assert hours([{**training[0], "equal": False}, *training[1:]], evaluation, "fp32") is None


def test_the_table_of_a_card() -> None:
    rate = {"median": 100.0, "least": 90.0, "most": 110.0}
    training = {"network": "vgg16", "precision": "tf32", "eager": rate, "graph": rate, "times_eager": 1.0, "equal": True}
    evaluation = {"network": "vgg16", "best_batch": 1000, "to_bare": 0.97, "resident": {"1000": 9.7}, "bare": {"1000": 10.0}}
    rows = {"training": [training], "evaluation": [evaluation], "sharing": [], "checks": []}
    text = table({"card": "NVIDIA X", "about": "torch", "rows": rows, "hours": {"fp32": 20.0}})
    assert "| vgg16 | tf32 | 100.0 (90.0 to 110.0) | 100.0 (90.0 to 110.0) | 1 | not measured | not measured | yes |" in text
    assert "| vgg16 | 1000 | 9.7 | not measured | 10 | 0.97 |" in text and "fp32 20 h" in text
    assert slug("NVIDIA H100 80GB HBM3") == "nvidia-h100-80gb-hbm3"


@pytest.mark.parametrize(
    "name",
    [
        "network small_resnet",
        "method unstructured on small_vgg",
        "method taylor on resnet8",
        "two runs equal, bf16",
        "batches stop and go on",
        "killed and resumed",
        "resident images judge as others",
    ],
)
def test_checks_that_need_no_graph_pass_on_the_cpu(name: str, monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    """With the CPU in place of the GPU: so that a mistake in a check is not found on the first GPU."""
    monkeypatch.setattr(gpu_checks, "CUDA", torch.device("cpu"))
    torch.set_num_threads(1)
    checks()[name]()


def test_a_check_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    monkeypatch.setattr(gpu_checks, "CUDA", torch.device("cpu"))
    with pytest.raises(CheckFailed, match="no graphs on cpu"):
        checks()["graph equals eager, fp32"]()
    monkeypatch.setattr(gpu_checks, "CLOSE", 0.0)
    with pytest.raises(CheckFailed, match="differ by"):
        checks()["network small_resnet"]()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", checks())
def test_on_a_gpu(name: str, one_thread: None) -> None:
    prepare_runtime(device="cuda")
    try:
        checks()[name]()
    except CheckFailed as failed:
        pytest.fail(str(failed))
