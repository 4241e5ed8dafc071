"""`prunefront evaluate --against`: what changed, against counts by hand."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from prune_core.evaluation.scoring import record_columns
from prune_core.networks import build_network
from prune_core.pruning import prune, save_network
from sweeps.one_network.against import against_lines, deltas, falling_ece_line, write_flipped
from sweeps.one_network.judged import Record
from sweeps.records.columns import record_columns as columns
from tests.sweeps.judging import call, judgement, row


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRUNEFRONT_CACHE", str(tmp_path / "cache"))


@pytest.fixture(name="data")
def _data(tmp_path: Path) -> str:
    """Sixty grey images sorted by class, so that the first ones are all of one class."""
    images = np.random.default_rng(0).integers(0, 256, (60, 16, 16, 1), dtype=np.uint8)
    np.savez(tmp_path / "few.npz", images=images, labels=np.repeat(np.arange(3), 20))
    return f"arrays:{tmp_path / 'few.npz'}"


@pytest.fixture(name="checkpoint")
def _checkpoint(tmp_path: Path) -> str:
    torch.manual_seed(0)
    save_network(build_network("small_vgg", in_channels=1, num_classes=3, width=4), tmp_path / "dense.safetensors")
    return str(tmp_path / "dense.safetensors")


def test_against_another_network(data: str, tmp_path: Path) -> None:
    """Class 2 is lost, and images are named by their numbers in their set."""
    judged = judgement(data)
    lost = judged.logits.clean.copy()
    lost[:, 2] = -20.0
    logits = dataclasses.replace(judged.logits, clean=lost)
    record = {**judged.record, **record_columns(selection=None, report=logits, train=None, bins=10)}
    pruned = dataclasses.replace(judged, logits=logits, record=record)
    lines = against_lines(pruned, judged, "dense.pt")
    before, after = (each.clean.argmax(1) for each in (judged.logits, logits))
    labels, numbers = logits.labels, judged.shown.numbers
    broken = numbers[(before == labels) & (after != labels)]
    assert row(lines, "accuracy")[:2] == [f"{100 * (each == labels).mean():.2f} %" for each in (before, after)]
    third = labels == 2
    lost_points = 100 * ((after == labels)[third].mean() - (before == labels)[third].mean())
    assert f"2 {lost_points:+.1f}" in "".join(lines)
    assert any(line.startswith(f"  right there, wrong here: {len(broken)} (images {broken[0]}, ") for line in lines)
    write_flipped(pruned, judged, tmp_path / "flipped.csv")
    table = list(csv.DictReader((tmp_path / "flipped.csv").open(encoding="utf-8")))
    assert len(table) == (before != after).sum()
    assert [int(each["image"]) for each in table if each["change"] == "broken"] == broken.tolist()
    assert {each["there"] for each in table} == {"2"}
    lost_share = float((after == labels).mean() - (before == labels).mean())
    assert deltas(pruned, judged)["delta_accuracy"] == pytest.approx(lost_share)


def test_a_class_whose_name_is_a_formula_is_none_in_the_table_of_flipped_images(data: str, tmp_path: Path) -> None:
    judged = judgement(data)
    names = ("=HYPERLINK(1)", " +plus", "\x1b[31mred")
    judged = dataclasses.replace(judged, dataset=dataclasses.replace(judged.dataset, classes=names))
    flipped = dataclasses.replace(judged, logits=dataclasses.replace(judged.logits, clean=judged.logits.clean[:, [1, 2, 0]]))
    write_flipped(flipped, judged, tmp_path / "flipped.csv")
    table = list(csv.DictReader((tmp_path / "flipped.csv").open(encoding="utf-8")))
    assert len(table) == 60
    assert {each["label"] for each in table} == {"'=HYPERLINK(1)", "' +plus", "\ufffd[31mred"}


def test_an_ece_that_fell_with_accuracy_and_confidence_is_flagged() -> None:
    dense: Record = {"accuracy": 0.9, "mean_confidence": 0.95, "ece": 0.05, "mpc_s5": 0.6, "corruption_ece_s5": 0.3}
    guessing: Record = {"accuracy": 0.1, "mean_confidence": 0.11, "ece": 0.01, "mpc_s5": 0.1, "corruption_ece_s5": 0.02}
    [line] = falling_ece_line(guessing, dense)
    assert line.startswith("not better calibrated: ECE, ECE under corruption fell because accuracy fell")
    assert falling_ece_line({**dense, "ece": 0.01}, dense) == []


def test_against_on_the_command_line(capsys: pytest.CaptureFixture[str], checkpoint: str, data: str, tmp_path: Path) -> None:
    dense = build_network("small_vgg", in_channels=1, num_classes=3, width=4)
    save_network(prune(dense, "l1_filter", "0.5"), tmp_path / "pruned.safetensors")
    argv = ["evaluate", str(tmp_path / "pruned.safetensors"), "--data", data, "--against", checkpoint]
    status, out, _ = call(capsys, *argv, "--flipped", str(tmp_path / "flipped.csv"))
    assert status == 0 and "against dense.safetensors" in out and str(tmp_path / "flipped.csv") in out
    record = json.loads(call(capsys, *argv, "--json")[1])
    alone = json.loads(call(capsys, "evaluate", checkpoint, "--data", data, "--json")[1])
    assert record["delta_nll"] == pytest.approx(record["nll"] - alone["nll"])
    assert set(record) <= set(columns())
