"""``gpus_per_trial: auto``: by hand, written down once, and without a GPU a whole one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sweeps.cost import gpu_shares as module
from sweeps.cost.gpu_shares import Together, asked_of, best_count, gpu_shares, in_processes
from sweeps.cost.sizes import sizes_of
from sweeps.folder.paths import GPU_SHARES
from sweeps.plan.plan import Plan, make_plan
from sweeps.study.model import load_study

SMALL = ["data={name: digits, validation: 0, train: 500, test: 100}", "evaluation={corruptions: none}"]


@pytest.fixture
def plan() -> Plan:
    return make_plan(load_study("paper", [*SMALL, "resources.gpus_per_trial=auto"]))


@pytest.mark.parametrize(
    ("rates", "gib", "expected"),
    [
        ({1: 100.0, 2: 180.0, 4: 250.0}, 1, 4),
        ({1: 100.0, 2: 109.0, 4: 400.0}, 1, 1),  # two are hardly faster: no more are tried
        ({1: 100.0, 2: 180.0, 4: 190.0}, 1, 2),
        ({1: 100.0, 2: 180.0, 4: 250.0}, 30, 2),  # four times 30 of 80 do not fit
        ({1: 100.0, 2: 180.0}, 60, 1),
        ({1: 100.0}, 79, 1),
    ],
)
def test_as_many_as_are_faster_and_fit(rates: dict[int, float], gib: int, expected: int) -> None:
    found = {count: Together(rate, gib << 30) for count, rate in rates.items()}
    assert best_count(found, 80 << 30) == expected


def test_what_was_measured_stands_in_the_folder_and_is_not_measured_again(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_gpu_bytes", lambda: 80 << 30)
    asked: list[tuple[str, int]] = []

    def measure(what: Mapping[str, Any], count: int) -> Together:
        name = what["baseline"]["network"]["name"]
        asked.append((name, count))
        if name == "resnet110" and count == 4:
            raise RuntimeError("no memory")
        return Together(100.0 * count if name.startswith(("resnet", "preresnet")) else 100.0, 1 << 30)

    told: list[str] = []
    shares = gpu_shares(plan, tmp_path, told.append, measure)
    assert shares["preresnet110"] == 0.25 and shares["resnet110"] == 0.5 and shares["vgg16"] == 1.0
    assert ("vgg16", 4) in asked and len(told) == len(shares) == 6
    written = json.loads((tmp_path / GPU_SHARES).read_text())
    assert written["resnet110"] == {"share": 0.5, "steps_per_second": {"1": 100.0, "2": 200.0}, "bytes": 1 << 30}
    asked.clear()
    assert gpu_shares(plan, tmp_path, told.append, measure) == shares and asked == []
    monkeypatch.setattr(module, "_gpu_bytes", lambda: 0)  # the folder counts wherever the driver is
    assert gpu_shares(plan, tmp_path, told.append, measure) == shares and len(told) == 6
    (tmp_path / GPU_SHARES).write_text("{")
    assert set(gpu_shares(plan, tmp_path, told.append, measure).values()) == {1.0}


def test_without_a_gpu_a_trial_gets_a_whole_one_and_nothing_is_written(plan: Plan, tmp_path: Path) -> None:
    told: list[str] = []
    assert set(gpu_shares(plan, tmp_path, told.append).values()) == {1.0}
    assert told == ["gpus_per_trial: auto has no GPU to measure here, so every trial gets 1"]
    assert not (tmp_path / GPU_SHARES).exists()
    said = make_plan(load_study("paper", [*SMALL, "resources.gpus_per_trial=0.25"]))
    assert set(gpu_shares(said, tmp_path, told.append).values()) == {0.25} and len(told) == 1


def test_trainings_in_processes_of_their_own_answer(tmp_path: Path) -> None:
    """On the CPU, with two steps: how fast does not matter, that each of them answers does."""
    study = load_study("quickstart")
    chosen = make_plan(study, data_required=False)
    sizes = sizes_of(study, chosen.data)
    assert sizes is not None
    asked = asked_of(study, chosen.trials[0].description.baseline, sizes, device="cpu") | {"steps": 2, "seconds": 0.0}
    found = in_processes(asked, 2)
    assert found.rate > 0 and found.bytes == 0
    with pytest.raises(RuntimeError, match="without an answer"):
        in_processes({**asked, "baseline": {}}, 1)
