"""A network that ends in a softmax: its probabilities are taken for logits, and the user is told once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from prune_core.base.trial_folder import read_record
from prune_core.networks import NETWORKS, build_network
from prune_core.trial.description import TrialDescription
from prune_core.trial.order import TrialOrder
from prune_core.trial.run import run_trial
from sweeps.run.rescore import rescore_record
from tests.sweeps.judging import call


@pytest.fixture(name="network", params=[True, False], ids=["softmax", "logits"])
def _network(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[bool]:
    monkeypatch.setenv("PRUNEFRONT_CACHE", str(tmp_path / "cache"))

    def build(*, num_classes: int, in_channels: int) -> nn.Module:
        last = [nn.Softmax(dim=1)] if request.param else []
        convolution = nn.Conv2d(in_channels, 4, 3, bias=False)
        return nn.Sequential(convolution, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, num_classes), *last)

    NETWORKS.register("ends_in_softmax")(build)
    torch.save(build_network("ends_in_softmax", in_channels=1).state_dict(), tmp_path / "mine.pt")
    yield request.param
    NETWORKS._entries.pop("ends_in_softmax", None)


def test_evaluate_says_so_once(tmp_path: Path, network: bool, capsys: pytest.CaptureFixture[str]) -> None:
    mine = str(tmp_path / "mine.pt")
    argv = ["evaluate", mine, "--network", "ends_in_softmax", "--data", "digits", "--limit", "40"]
    status, out, err = call(capsys, *argv)
    assert status == 0 and err == ""
    assert out.count("a softmax taken twice") == network
    assert "read: 1,797 images in 10 classes" in out
    status, out, err = call(capsys, *argv, "--json", "--against", mine)
    assert status == 0 and json.loads(out)["accuracy"] >= 0
    assert err.count("a softmax taken twice") == network and err.count("\n") == network


def test_the_record_of_a_trial_says_so_also_after_rescoring(tmp_path: Path, network: bool) -> None:
    data: dict[str, Any] = {"name": "digits", "options": {}, "checksum": None, "train": 100, "validation": 50, "test": 50}
    baseline = {
        "kind": "baseline",
        "study_seed": 0,
        "data": data,
        "network": {"name": "ends_in_softmax", "options": {}, "code": dict(NETWORKS.code("ends_in_softmax"))},
        "training": {"epochs": 1, "batch_size": 32},
        "checkpoint": None,
        "seed": 0,
        "device": "cpu",
        "threads": 1,
    }
    evaluation = {"corruptions": "none", "seed": 0, "images_per_cell": 1, "selection_images_per_cell": 1, "train_images": 0}
    whole = {"kind": "baseline", "baseline": baseline, "method": None, "ratio": "0", "rounds": 1, "fine_tuning": {}}
    described = {**whole, "evaluation": evaluation, "seed": 0}
    folder = tmp_path / "trial"
    outcome = run_trial(TrialDescription.from_plain(described), TrialOrder(folder, tmp_path / "store", (0,)))
    assert outcome["status"] == "complete", outcome
    wanted = "probabilities" if network else None
    written = read_record(folder, 0)
    assert written is not None and written.get("outputs") == wanted
    rescore_record(folder / "budget-0000", 10)
    rescored = read_record(folder, 0)
    assert rescored is not None and rescored.get("outputs") == wanted
