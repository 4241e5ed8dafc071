"""What the driver makes of trials that come back without a result, of time that is over, and of a share of a GPU."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from prune_core.training import prepare_runtime
from prune_core.trial.memory import TooLittleMemory
from sweeps.engine import worker
from sweeps.engine.session import LostRay
from sweeps.engine.worker import ALONE
from sweeps.folder.paths import trial_folder
from sweeps.plan.places import memory_fraction
from sweeps.plan.plan import make_plan
from sweeps.plan.workload import Workload
from sweeps.run.configuration import configuration
from sweeps.run.sweep import Sweep, require_begun
from sweeps.study.model import load_study

SMALL = ["data={name: digits, validation: 0, train: 500, test: 100}", "evaluation={corruptions: none}"]


def test_a_trial_that_never_had_a_worker_has_not_failed(tmp_path: Path) -> None:
    with pytest.raises(LostRay, match="could not start a worker .ActorDiedError"):
        require_begun(tmp_path / "trials" / "abc", "ActorDiedError")
    (tmp_path / "trials" / "abc").mkdir(parents=True)
    require_begun(tmp_path / "trials" / "abc", "ActorDiedError")


def test_a_share_of_a_gpu_is_a_share_of_its_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From the study file to torch: the cap is set, for the device of the trial, before anything is put there."""
    study = load_study("paper", SMALL)
    plan = make_plan(study)
    told = configuration(study, tmp_path, plan.trials[0], memory_fraction(study.resources.share))
    assert told.order.memory_fraction == study.resources.gpus_per_trial == 0.5
    assert told.order.folder == trial_folder(tmp_path, plan.trials[0].key)
    called: list[tuple[float, int]] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "use_deterministic_algorithms", lambda *_, **__: None)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "set_device", lambda _: None)
    monkeypatch.setattr(torch.cuda.memory, "_lazy_init", lambda: None)
    # below torch's own check, which takes no device without a number
    monkeypatch.setattr(torch._C, "_cuda_setMemoryFraction", lambda *cap: called.append(cap), raising=False)
    described = told.description.baseline
    for fraction in (told.order.memory_fraction, None):  # the next trial of the same worker may have the GPU alone
        found = prepare_runtime(device=described.device, threads=described.threads, memory_fraction=fraction)
        assert str(found) == "cuda:0"
    prepare_runtime(device="cpu", memory_fraction=0.5)
    assert called == [(0.5, 0), (1.0, 0)]


def test_a_trial_without_memory_on_its_share_is_tried_alone(tmp_path: Path) -> None:
    """It waits until no other runs, and its memory is not capped then."""
    study = load_study("paper", SMALL)
    one, other = make_plan(study).trials[:2]
    workload = Workload(
        [one, other],
        ended=lambda _: None,
        baseline_ready=lambda _: True,
        baseline_failure=lambda _: None,
        block=lambda *_: None,
    )
    unused: Any = None
    said = Console(file=StringIO(), width=200)
    sweep = Sweep(study, tmp_path, said, unused, workload, unused, unused, 0.25)
    assert workload.next() == one and sweep._configured(one).order.memory_fraction == 0.25
    sweep._ended(one.key, {"status": ALONE, "cause": "CUDA out of memory"}, None)
    assert [workload.next(), workload.next()] == [other, None]
    workload.finished(other.key, "complete")
    assert workload.next() == one and sweep._configured(one).order.memory_fraction is None
    assert sweep._configured(other).order.memory_fraction == 0.25
    told: Any = said.file
    assert f"{one.name}: out of memory on its share of a GPU; it is tried once more" in told.getvalue()


def test_a_worker_says_that_a_share_was_too_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **more: object) -> None:
        raise TooLittleMemory("CUDA out of memory")

    study = load_study(
        "paper", ["data={name: digits, validation: 0, train: 500, test: 100}", "evaluation={corruptions: none}"]
    )
    trial = make_plan(study).trials[0]
    monkeypatch.setattr(worker, "run_trial", full)
    told = worker.run_planned(configuration(study, tmp_path, trial))
    assert told == {"key": trial.key, "status": ALONE, "cause": "CUDA out of memory"}
