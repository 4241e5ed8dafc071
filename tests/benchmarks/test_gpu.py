"""The check of a GPU: its dry run on the CPU, its sums by hand, and with a GPU each of its checks."""

from __future__ import annotations

import json
import math
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import gpu_checks
from benchmarks.gpu import main
from benchmarks.gpu_busy import covered
from benchmarks.gpu_checks import checks
from benchmarks.gpu_jobs import Job
from benchmarks.gpu_rows import NEEDS_CUDA, PAPER
from benchmarks.gpu_table import JUDGED_IMAGES, TRAINING_STEPS, hours, line, slug, table
from benchmarks.gpu_trainings import CheckFailed
from benchmarks.gpu_worker import made
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


WITHOUT = """
import runpy, sys
absent = set(sys.argv[1].split(","))

class OnlyTorch:
    def __init__(self, real):
        self.real = real

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in absent else self.real.find_spec(name, path, target)

sys.meta_path[:] = [OnlyTorch(each) for each in sys.meta_path if hasattr(each, "find_spec")]
sys.argv = sys.argv[2:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
"""Runs a module as if some packages were not installed."""


def not_of_torch() -> set[str]:
    """Every package that is installed here, but ours, NumPy, torch, and what torch itself requires."""
    wanted, asked = {"torch", "numpy"}, set[str]()
    while wanted - asked:
        name = (wanted - asked).pop()
        asked.add(name)
        with suppress(PackageNotFoundError):
            wanted |= {re.split(r"[^\w.-]", each)[0].lower() for each in requires(name) or () if "extra ==" not in each}
    theirs = {name.lower().replace("_", "-") for name in wanted}
    return {
        package
        for package, sources in packages_distributions().items()
        if not {source.lower().replace("_", "-") for source in sources} & (theirs | {"prunefront"})
    }


@pytest.fixture
def only_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers run where no other package can be imported; what the parent imports is the same and less."""
    real, absent = subprocess.Popen, not_of_torch()
    assert {"ray", "optuna", "mlflow", "pandas", "PIL", "safetensors", "yaml", "scipy"} <= absent

    def without_others(command: list[str], **how: Any) -> Any:
        return real([command[0], "-c", WITHOUT, ",".join(absent), *command[2:]], **how)

    monkeypatch.setattr(subprocess, "Popen", without_others)


def dry_run(out: Path, *more: str) -> tuple[dict[str, Any], Path]:
    assert main(["--device", "cpu", "--networks", "resnet110", "--minutes", "60", "--out", str(out), *more]) == 0
    (file,) = out.glob("*.json")
    return json.loads(file.read_text()), file.with_suffix(".md")


def test_a_dry_run_of_some_parts(only_torch: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result, text = dry_run(tmp_path, "--only", "checks", "sharing", "layout")
    rows = result["rows"]
    assert {(row["network"], row["way"], row["at_once"]) for row in rows["sharing"]} == {
        (network, way, count) for network in ("resnet110", "vgg16") for way in ("streams", "processes") for count in (2, 4)
    }
    assert {row["check"] for row in rows["checks"]} == set(checks()) and len(rows["checks"]) == len(checks())
    assert {row["outcome"] for row in rows["checks"]} == {NEEDS_CUDA}
    assert len(rows["layout"]) == 6 and rows["training"] == []
    printed = capsys.readouterr().out
    assert text.read_text() in printed and printed.count("\nsharing ") == 8


@pytest.mark.slow
def test_the_dry_run_has_every_line_and_needs_nothing_but_torch(only_torch: None, tmp_path: Path) -> None:
    result, _ = dry_run(tmp_path)
    rows = result["rows"]
    assert [(row["network"], row["precision"]) for row in rows["training"]] == [
        ("resnet110", precision) for precision in ("fp32", "tf32", "bf16")
    ]
    assert all(row["equal"] is True and row["graph"] == NEEDS_CUDA for row in rows["training"])
    assert [row["resident"] for row in rows["evaluation"]] == [row["busy"] for row in rows["busy"]] == [NEEDS_CUDA]
    assert len(rows["options"]) == 2 and rows["options"][0]["largest_difference"] < 1e-5
    assert not any("error" in row for part in rows.values() for row in part)
    assert result["hours"] == {} and "no speeds" in result["card"]


def test_every_network_and_method_has_a_check() -> None:
    names = " ".join(checks())
    assert all(f"network {network}" in checks() for network in NETWORKS.names())
    assert all(f"method {method} on" in names for method in METHODS.names())


def test_a_row_that_raises_says_why() -> None:
    def bad() -> dict[str, Any]:
        raise RuntimeError("out of memory\nmore")

    row = made(Job("training", {"network": "a"}, bad, 1.0))
    assert row["error"] == "RuntimeError: out of memory" and row["network"] == "a"
    assert "in bad" in row["traceback"] and "traceback" not in line(row)
    assert made(Job("checks", {"check": "b"}, bad, 1.0))["outcome"] == row["error"]


def test_the_share_of_time_that_is_covered() -> None:
    """Two that overlap and one apart: 0 to 4 and 6 to 10 of 0 to 10."""
    assert covered([(6.0, 10.0), (0.0, 3.0), (2.0, 4.0), (2.5, 3.5)]) == pytest.approx((0.8, 8.0))
    assert covered([(5.0, 7.0)]) == pytest.approx((1.0, 2.0))
    assert all(map(math.isnan, covered([])))


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
    training = [{"network": name, "precision": "fp32", "rate": TRAINING_STEPS / 3600} for name in PAPER]
    evaluation = [{"network": name, "best_batch": 1000, "best": JUDGED_IMAGES / 1800} for name in PAPER]
    assert hours(training, evaluation, "fp32") == pytest.approx(6 * 1.5)
    assert hours(training, evaluation, "tf32") is None
    assert hours(training[1:], evaluation, "fp32") is None
    assert hours([{**training[0], "rate": "needs CUDA"}, *training[1:]], evaluation, "fp32") is None


def test_the_table_of_a_card() -> None:
    rate = {"median": 100.0, "least": 90.0, "most": 110.0}
    training = {"network": "vgg16", "precision": "tf32", "eager": rate, "graph": rate, "times_eager": 1.0, "equal": True}
    evaluation = {"network": "vgg16", "best_batch": 1000, "to_bare": 0.97, "resident": {"1000": 9.7}, "bare": {"1000": 10.0}}
    rows = {"training": [training], "evaluation": [evaluation], "sharing": [], "checks": []}
    result = {"card": "NVIDIA X", "about": "torch", "rows": rows, "hours": {"fp32": 20.0}}
    text = table(result)
    assert "| vgg16 | tf32 | 100.0 (90.0 to 110.0) | 100.0 (90.0 to 110.0) | 1 | not measured | not measured | yes |" in text
    cut = {"network": "vgg16", "precision": "tf32", "error": "cut after 45 s"}
    assert "| vgg16 | tf32 | cut after 45 s | not measured |" in table({**result, "rows": {"training": [cut]}})
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
