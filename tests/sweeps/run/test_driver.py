"""What the driver makes of trials that come back without a result, of time that is over, and of a share of a GPU."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from prune_core.training import prepare_runtime
from sweeps.engine.session import LostRay
from sweeps.folder.paths import trial_folder
from sweeps.plan.plan import make_plan
from sweeps.run.sweep import configuration, require_begun
from sweeps.study.model import load_study


def test_a_trial_that_never_had_a_worker_has_not_failed(tmp_path: Path) -> None:
    with pytest.raises(LostRay, match="could not start a worker .ActorDiedError"):
        require_begun(tmp_path / "trials" / "abc", "ActorDiedError")
    (tmp_path / "trials" / "abc").mkdir(parents=True)
    require_begun(tmp_path / "trials" / "abc", "ActorDiedError")


def test_a_share_of_a_gpu_is_a_share_of_its_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From the study file to torch: the cap is set, for the device of the trial, before anything is put there."""
    small = ["data={name: digits, validation: 0, train: 500, test: 100}", "evaluation={corruptions: none}"]
    study = load_study("paper", small)
    plan = make_plan(study)
    told = configuration(study, tmp_path, plan.trials[0])
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
