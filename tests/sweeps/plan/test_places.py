"""How many trials run at once, against small sums."""

from __future__ import annotations

from pathlib import Path

import pytest

import sweeps.plan.places
from sweeps.plan.places import memory_fraction, places, usable_cores
from sweeps.study.running_sections import ResourcesSection


@pytest.mark.parametrize(
    ("cores", "gpus", "resources", "expected"),
    [
        (8, 0, {}, 8),
        (8, 0, {"cpus_per_trial": 3}, 2),
        (3, 0, {"cpus_per_trial": 0.1}, 30),
        (2, 0, {"cpus_per_trial": 4}, 1),
        (2, 0, {"max_concurrent": 5}, 5),
        (16, 1, {"device": "cuda"}, 1),
        (16, 1, {"device": "cuda", "gpus_per_trial": 0.5, "cpus_per_trial": 2}, 2),
        (16, 2, {"device": "cuda", "gpus_per_trial": 0.4}, 4),  # two on each GPU, not five on two
        (16, 4, {"device": "cuda", "gpus_per_trial": 2}, 2),
        (2, 4, {"device": "cuda", "gpus_per_trial": 0.25}, 2),  # the cores are what is short
        (16, 0, {"device": "cuda", "gpus_per_trial": 0.25}, 4),  # planned where there is no GPU: as if there were one
        (16, 1, {"device": "cuda", "gpus_per_trial": 0.5, "max_concurrent": 9}, 2),
        (16, 1, {"device": "cuda", "gpus_per_trial": "auto"}, 1),
    ],
)
def test_trials_at_a_time(
    monkeypatch: pytest.MonkeyPatch, cores: int, gpus: int, resources: dict[str, object], expected: int
) -> None:
    monkeypatch.setattr(sweeps.plan.places, "usable_cores", lambda: cores)
    monkeypatch.setattr(sweeps.plan.places, "visible_gpus", lambda: gpus)
    assert places(ResourcesSection.model_validate(resources)) == expected


def test_a_measured_share_counts_for_auto(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps.plan.places, "usable_cores", lambda: 16)
    monkeypatch.setattr(sweeps.plan.places, "visible_gpus", lambda: 2)
    assert places(ResourcesSection.model_validate({"device": "cuda", "gpus_per_trial": "auto"}), 0.25) == 8


@pytest.mark.parametrize(("quota", "expected"), [("150000 100000", 1), ("max 100000", 64), ("", 64), ("10000 100000", 1)])
def test_the_quota_of_a_container_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, quota: str, expected: int) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(64)))
    monkeypatch.setattr(sweeps.plan.places, "_QUOTA", tmp_path / "cpu.max")
    (tmp_path / "cpu.max").write_text(quota)
    assert usable_cores() == expected


def test_a_trial_on_a_gpu_takes_one_unless_the_study_says_how_much_and_is_capped_to_its_share() -> None:
    def shares(**resources: object) -> tuple[float, float | None]:
        section = ResourcesSection.model_validate(resources)
        return section.share, memory_fraction(section.share)

    assert shares() == (0.0, None)
    assert shares(device="cuda") == (1.0, None)
    assert shares(device="cuda", gpus_per_trial=0.25) == (0.25, 0.25)
    assert shares(device="cuda", gpus_per_trial="auto") == (1.0, None)
    for wrong in (
        {"gpus_per_trial": 0.5},
        {"gpus_per_trial": "auto"},
        *({"device": "cuda", "gpus_per_trial": share} for share in (0, 1.5)),
    ):
        with pytest.raises(ValueError, match=r"gpus_per_trial is .* \(allowed: "):
            ResourcesSection.model_validate(wrong)
