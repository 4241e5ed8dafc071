"""Metrics that records lack: filled from kept logits, named where there are none, and nothing else is touched."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from prune_core.base.errors import BadInput
from prune_core.evaluation.logits import LogitSet
from prune_core.evaluation.scoring import record_columns
from prune_core.metrics import METRICS, Metric, file_metric
from sweeps.run.missing_metrics import fill_missing_metrics, lacking
from sweeps.study.model import Study, load_study


@pytest.fixture
def study() -> Study:
    return load_study("smoke").model_copy(update={"objectives": ("accuracy",), "limits": ()})


def logits(seed: int) -> LogitSet:
    """Made-up answers to forty clean images of three classes."""
    draw = np.random.default_rng(seed)
    labels = np.arange(40) % 3
    return LogitSet(labels, (2 * np.eye(3)[labels] + draw.normal(0, 1, (40, 3))).astype(np.float32), {}, np.arange(0))


def budget(out: Path, key: str, *, kept: bool, without: str) -> Path:
    """A budget's folder, whose record lacks a metric."""
    folder = out / "trials" / key / "budget-0001"
    folder.mkdir(parents=True)
    sets = {"selection": logits(1), "report": logits(2)}
    record = record_columns(**sets, train=None, bins=15)
    if kept:
        for name, each in sets.items():
            each.save(folder / f"{name}.npz")
    left = {name: value for name, value in record.items() if without not in name}
    (folder / "record.json").write_text(
        json.dumps({**left, "accuracy": 0.125, "parameters": 7, "budget": 1, "ece_bins": 15})
    )
    return folder


def test_a_metric_is_filled_from_kept_logits(study: Study, tmp_path: Path) -> None:
    folder = budget(tmp_path, "one", kept=True, without="brier")
    before = json.loads((folder / "record.json").read_text())
    assert "brier" not in before
    said: list[str] = []
    fill_missing_metrics(study, tmp_path, said.append)
    assert said == ["1 of 1 records lack brier: they are filled from kept logits"]
    after = json.loads((folder / "record.json").read_text())
    for name, each in (("brier", logits(2)), ("val_brier", logits(1))):
        odds = np.exp(each.clean.astype(np.float64))
        by_hand = (((odds / odds.sum(axis=1, keepdims=True)) - np.eye(3)[each.labels]) ** 2).sum(axis=1).mean()
        assert after[name] == pytest.approx(by_hand)
    assert {name: after[name] for name in before} == before  # the accuracy that was written is not computed anew
    assert lacking(study, tmp_path).to_fill == []


def test_records_without_logits_are_named(study: Study, tmp_path: Path) -> None:
    budget(tmp_path, "one", kept=True, without="brier")
    thinned = budget(tmp_path, "two", kept=False, without="brier")
    before = (thinned / "record.json").read_bytes()
    found = lacking(study, tmp_path)
    assert found.to_fill == ["1 of 2 records lack brier: a run fills them from kept logits"]
    [line] = found.left
    assert line.startswith("1 of 2 records lack brier and keep no logits, so they stay without")
    assert "--out" in line
    fill_missing_metrics(study, tmp_path, lambda line: None)
    assert (thinned / "record.json").read_bytes() == before


def test_nothing_is_said_where_nothing_is_missing(study: Study, tmp_path: Path) -> None:
    budget(tmp_path, "one", kept=True, without="no such metric")
    found = lacking(study, tmp_path)
    assert (found.metrics, found.to_fill, found.left) == ((), [], [])
    assert lacking(study, tmp_path / "nowhere").records == 0


def test_a_cost_that_decides_is_named(study: Study, tmp_path: Path) -> None:
    folder = budget(tmp_path, "one", kept=True, without="no such metric")
    limited = study.model_copy(update={"limits": ("macs <= 1000",)})
    [line] = lacking(limited, tmp_path).left
    assert "1 of 1 records lack macs, a cost" in line
    record = json.loads((folder / "record.json").read_text())
    (folder / "record.json").write_text(json.dumps({**record, "macs": 5}))
    assert lacking(limited, tmp_path).left == []


@pytest.mark.parametrize("result", ["text", None, ZeroDivisionError("no images")])
def test_a_metric_that_fails_is_one_line(monkeypatch: pytest.MonkeyPatch, result: object) -> None:
    def failing(predictions: object, bins: int) -> float:
        if isinstance(result, Exception):
            raise result
        return result  # type: ignore[return-value]

    entries = {name: dict(getattr(METRICS, name)) for name in ("_entries", "_modules")}
    try:
        file_metric(Metric("failing_metric", "failing metric", failing, "max", "1", None, None, "a test"))
        with pytest.raises(BadInput, match="metric failing_metric of the module .*test_missing_metrics"):
            record_columns(selection=None, report=logits(1), train=None, bins=15)
    finally:
        for name, before in entries.items():
            setattr(METRICS, name, before)
