"""How a trial fails, and what is left: divergence, a bad network, a full disk, memory that runs out."""

from __future__ import annotations

import errno

import pytest
import torch

from prune_core.base.trial_folder import read_outcome
from prune_core.training import train
from prune_core.trial import judge as pipeline_evaluation
from prune_core.trial import run as pipeline
from prune_core.trial import walk as pipeline_walk
from prune_core.trial.trouble import MachineTrouble
from tests.prune_core.trial.running import described, numbers


def test_a_diverged_trial_says_so_and_is_left_alone(house, monkeypatch):
    description = described(fine_tuning={"learning_rate": 1e30, "batch_size": 32})
    outcome = house.run(description, [0, 1])
    assert outcome["status"] == "diverged"
    assert outcome["budgets"] == [0]
    assert "not finite" in outcome["cause"]
    assert not any("NaN" in path.read_text() or "Infinity" in path.read_text() for path in house.root.rglob("*.json"))
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "load_trial_data", lambda *_: pytest.fail("tried again"))
        assert house.run(description, [0, 1]) == outcome
    assert house.run(description, [0, 1], retry=True) == outcome


def test_a_failed_trial_has_its_cause(house):
    outcome = house.run(described(method="l1_filtre"), [0])
    assert outcome["status"] == "failed"
    assert "l1_filtre" in outcome["cause"]
    assert "\n" not in outcome["cause"]
    assert "Traceback" in (house.root / "trial" / "traceback.txt").read_text()
    assert read_outcome(house.root / "trial") == outcome


def test_a_network_that_fails_its_verification_is_a_failed_trial(house, monkeypatch):
    class Failed:
        passed, reason = False, "outputs differ by 0.79"

        def to_dict(self):
            return {"passed": False, "reason": self.reason}

    monkeypatch.setattr(pipeline_walk, "verify", lambda *_: Failed())
    outcome = house.run(described(), [0])
    assert outcome["status"] == "failed"
    assert "outputs differ by 0.79" in outcome["cause"]
    assert outcome["budgets"] == []


def test_a_full_disk_is_not_the_trials_fault(house, monkeypatch):
    calls = []

    def full(*_, **__):
        calls.append(1)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pipeline_evaluation, "save_network", full)
        with pytest.raises(MachineTrouble, match="No space left"):
            house.run(described(), [0])
    assert calls
    assert read_outcome(house.root / "trial") is None
    assert house.run(described(), [0])["status"] == "complete"


def test_a_trial_that_runs_out_of_device_memory_goes_on_from_its_folder(house, monkeypatch):
    house.run(described(), [0, 2], "plain")
    real, failed = train, list[bool]()

    def short_of_memory(*given, **more):
        if not failed:
            failed.append(True)
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return real(*given, **more)

    monkeypatch.setattr(pipeline_walk, "train", short_of_memory)
    told = []
    outcome = house.run(described(), [0, 2], "short", on_budget=lambda budget, _: told.append(budget))
    assert outcome["status"] == "complete" and failed and told == [0, 2]
    assert numbers(house.record(2, "short")) == numbers(house.record(2, "plain"))
    monkeypatch.setattr(
        pipeline_walk, "train", lambda *_, **__: (_ for _ in ()).throw(torch.OutOfMemoryError("CUDA out of memory"))
    )
    outcome = house.run(described(), [0, 2], "never")
    assert outcome["status"] == "failed" and "out of memory" in outcome["cause"]
