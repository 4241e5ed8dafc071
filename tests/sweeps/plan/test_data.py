"""Corrupted images that could not be had are refused by the plan, not after the training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from prune_core.base.errors import BadInput
from sweeps.plan.plan import make_plan
from sweeps.study.model import Study, load_study

STUDY = """
name: mine
data: {{name: "arrays:{file}", validation: 20, test: 20}}
networks: {{small_vgg: {{options: {{width: 4}}}}}}
arms: [{{methods: [unstructured]}}]
training: {{epochs: 1}}
ratios: [0.5]
budgets: [0]
seeds: [0]
evaluation: {{images_per_cell: 10, selection_images_per_cell: 10}}
"""


def study(folder: Path, side: int, *overrides: str, test: bool = True) -> Study:
    images, labels = np.zeros((80, side, side, 3), np.uint8), np.arange(80) % 4
    own = {"test_images": images, "test_labels": labels} if test else {}
    np.savez(folder / "mine.npz", images=images, labels=labels, **own)
    (folder / "mine.yaml").write_text(STUDY.format(file=folder / "mine.npz"), encoding="utf-8")
    return load_study(folder / "mine.yaml", overrides)


def refused(folder: Path, side: int, *overrides: str, test: bool = True, files: bool = True) -> str:
    with pytest.raises(BadInput) as caught:
        make_plan(study(folder, side, *overrides, test=test), data_required=files)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRUNEFRONT_CACHE", str(tmp_path / "cache"))


def test_images_that_are_too_large_to_corrupt(tmp_path: Path) -> None:
    for source in ("generated", "official"):
        said = refused(tmp_path, 96, f"evaluation.corruptions={source}", files=False)
        assert "96x96 pixels" in said and "16 to 64" in said and "corruptions: none" in said
    assert len(make_plan(study(tmp_path, 96, "evaluation.corruptions=none")).trials) == 3


def test_official_corruptions_of_other_images(tmp_path: Path) -> None:
    official = "evaluation.corruptions=official"
    assert "no official corrupted set" in refused(tmp_path, 32, official)
    assert "no test images of its own" in refused(tmp_path, 32, official, test=False)
