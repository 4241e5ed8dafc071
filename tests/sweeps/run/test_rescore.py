"""Scoring anew takes nothing away: not the numbers of lost logits, and not the records where some cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from prune_core.base.errors import BadInput
from prune_core.evaluation.logits import LogitSet
from prune_core.evaluation.scoring import record_columns
from sweeps.run.rescore import has_logits, rescore_study
from sweeps.study.model import load_study
from sweeps.study.yaml import write_study


def logits(seed: int) -> LogitSet:
    draw = np.random.default_rng(seed)
    labels = np.arange(40) % 3
    return LogitSet(labels, (2 * np.eye(3)[labels] + draw.normal(0, 1, (40, 3))).astype(np.float32), {}, np.arange(0))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A study of two records with their logits."""
    write_study(load_study("smoke").model_dump(mode="json"), tmp_path / "study.yaml")
    for key in ("a" * 16, "b" * 16):
        folder = tmp_path / "trials" / key / "budget-0001"
        folder.mkdir(parents=True)
        sets = {"selection": logits(1), "report": logits(2)}
        for name, each in sets.items():
            each.save(folder / f"{name}.npz")
        record = record_columns(**sets, train=None, bins=15)
        (folder / "record.json").write_text(json.dumps({**record, "budget": 1, "ece_bins": 15}))
    return tmp_path


def written(out: Path) -> dict[str, bytes]:
    return {path.name + path.parent.parent.name: path.read_bytes() for path in out.rglob("*.[jy]*")}


def test_logits_that_cannot_be_read_leave_every_record_and_the_study_as_they_are(out: Path) -> None:
    (out / "trials" / ("b" * 16) / "budget-0001" / "report.npz").write_text("junk")
    before = written(out)
    with pytest.raises(BadInput, match="no readable file of logits"):
        rescore_study(out, bins=10)
    assert written(out) == before


@pytest.mark.parametrize("lost", ["report", "selection"])
def test_a_record_one_of_whose_sets_is_lost_keeps_its_numbers(out: Path, lost: str) -> None:
    folder = out / "trials" / ("b" * 16) / "budget-0001"
    assert has_logits(folder)
    (folder / f"{lost}.npz").unlink()
    assert not has_logits(folder)
    before = written(out)
    with pytest.raises(BadInput, match="1 record without logits, or without all"):
        rescore_study(out, bins=10)
    assert written(out) == before
