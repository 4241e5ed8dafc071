"""From kept logits to the columns of a record, to disk and back, and to the damage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prune_core.base.errors import BadInput
from prune_core.evaluation.damage import damage
from prune_core.evaluation.logits import LogitSet
from prune_core.evaluation.scoring import record_columns, scale, selective_by_severity, set_columns
from prune_core.metrics import accepting_threshold, first_half, fit_temperature, softmax
from prune_core.metrics.columns import METRIC_COLUMNS, REPORT_COLUMNS, SELECTION_COLUMNS, SET_COLUMNS, TRAIN_COLUMNS


def random_set(seed: int, names: Sequence[str], images: int = 60) -> LogitSet:
    draw = np.random.default_rng(seed)
    index = np.arange(0, images, 2)
    cells = {name: draw.normal(0, 2, (5, len(index), 4)).astype(np.float16) for name in names}
    return LogitSet(draw.integers(0, 4, images), draw.normal(0, 2, (images, 4)).astype(np.float32), cells, index)


def test_columns_are_complete_finite_and_of_the_right_set() -> None:
    selection, report, train = random_set(0, ("spatter",)), random_set(1, ("fog", "snow")), random_set(2, ())
    columns = record_columns(selection=selection, report=report, train=train, bins=10)
    assert set(columns) == set(METRIC_COLUMNS)
    assert columns["worst_corruption"] in ("fog", "snow")
    assert columns["val_worst_corruption"] == "spatter"
    assert all(np.isfinite(value) for value in columns.values() if not isinstance(value, str))
    assert columns["accuracy"] == (report.clean.argmax(1) == report.labels).mean()
    assert columns["val_accuracy"] == (selection.clean.argmax(1) == selection.labels).mean()
    assert columns["train_accuracy"] == (train.clean.argmax(1) == train.labels).mean()
    right = [(cell.argmax(2) == report.labels[::2]).mean(1) for cell in report.cells.values()]
    assert columns["mpc"] == pytest.approx(np.mean(right))
    assert [columns[f"mpc_s{s}"] for s in range(1, 6)] == pytest.approx(list(np.mean(right, 0)))
    # rPC divides by the accuracy of all clean images, although the cells cover every second one.
    assert columns["rpc"] == pytest.approx(np.mean(right) / columns["accuracy"])
    assert columns["corruption_ece"] == pytest.approx(np.mean([columns[f"corruption_ece_s{s}"] for s in range(1, 6)]))


def test_the_corrupted_images_have_a_name_and_jpeg_ones_a_second_mpc() -> None:
    report = random_set(1, ("fog", "jpeg_compression"))
    assert set_columns(report, "A-C (generated, seed 0)", jpeg=False) == {"corruption_set": "A-C (generated, seed 0)"}
    columns = set_columns(report, "A-C", jpeg=True)
    assert set(columns) == set(SET_COLUMNS)
    assert columns["mpc_without_jpeg"] == (report.cells["fog"].argmax(2) == report.labels[::2]).mean()
    assert "mpc_without_jpeg" not in set_columns(random_set(1, ("fog",)), "A-C", jpeg=True)
    assert set_columns(random_set(1, ()), "A-C", jpeg=True) == set_columns(None, "A-C", jpeg=True) == {}


def test_sets_that_were_not_evaluated_have_no_columns() -> None:
    selection, report = random_set(0, ("spatter",)), random_set(1, ())
    assert set(record_columns(selection=selection, report=None, train=None, bins=15)) == set(SELECTION_COLUMNS)
    clean_only = set(record_columns(selection=None, report=report, train=report, bins=15))
    assert clean_only == {c for c in REPORT_COLUMNS if "corruption" not in c and "pc" not in c} | set(TRAIN_COLUMNS)
    assert record_columns(selection=None, report=None, train=None, bins=15) == {}


def test_temperature_comes_from_one_half_and_is_judged_on_the_other() -> None:
    selection, report = random_set(0, ()), random_set(1, ())
    half = first_half(selection.labels)
    fitted = fit_temperature(selection.predictions().subset(half))
    scaling = scale(selection=selection, report=report)
    assert scaling.temperature == fitted
    assert scaling.source == "one half of the validation images"
    assert scaling.selection is not None
    assert np.array_equal(scaling.selection.labels, selection.labels[~half])
    columns = record_columns(selection=selection, report=report, train=None, bins=15)
    assert columns["temperature"] == columns["val_temperature"] == fitted
    p = softmax(report.clean.astype(np.float64) / fitted)
    assert columns["nll_t"] == pytest.approx(-np.log(p[np.arange(60), report.labels]).mean())
    alone = scale(selection=None, report=report)
    assert alone.source == "two-fold cross-fit on the report images"


def test_bins_change_the_binned_columns_alone() -> None:
    given: dict[str, Any] = {"selection": random_set(0, ("fog",)), "report": random_set(1, ("fog",)), "train": None}
    few, many = record_columns(**given, bins=3), record_columns(**given, bins=30)
    changed = {name for name in few if few[name] != many[name]}
    assert {"ece", "ece_t", "val_ece", "corruption_ece_s1"} <= changed
    assert all("ece" in name for name in changed)


def test_logits_survive_the_disk(tmp_path: Path) -> None:
    written = random_set(3, ("fog", "gaussian_noise"))
    written.save(tmp_path / "report.npz")
    read = LogitSet.load(tmp_path / "report.npz")
    given: dict[str, Any] = {"report": None, "train": None, "bins": 15}
    assert record_columns(selection=read, **given) == record_columns(selection=written, **given)
    assert list(read.cells) == ["fog", "gaussian_noise"]
    assert read.cells["fog"].dtype == np.float16
    assert [path.name for path in tmp_path.iterdir()] == ["report.npz"]


def test_files_that_are_none_of_ours_say_so(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    random_set(3, ("fog",)).save(path)
    whole = path.read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"PK\x03\x04nonsense"):
        path.write_bytes(content)
        with pytest.raises(BadInput, match="x.npz"):
            LogitSet.load(path)
    np.savez(path, labels=np.zeros(3), objects=np.array([{}], dtype=object))
    with pytest.raises(BadInput, match="x.npz"):
        LogitSet.load(path)
    with pytest.raises(BadInput, match="missing.npz"):
        LogitSet.load(tmp_path / "missing.npz")


def test_sets_whose_parts_do_not_fit_say_so() -> None:
    clean, labels = np.zeros((4, 3), np.float32), np.zeros(4, int)
    cell = {"fog": np.zeros((5, 2, 3), np.float16)}
    for wrong in ([0, 0], [2, 1], [0, 4], [0, 1, 2]):
        with pytest.raises(BadInput):
            LogitSet(labels, clean, cell, np.array(wrong))
    with pytest.raises(BadInput):
        LogitSet(labels[:3], clean)


def test_damage_by_class_by_corruption_and_by_image() -> None:
    labels = np.array([0, 0, 1, 1])
    sure = 5 * np.eye(3, dtype=np.float32)
    index, cell = np.arange(4), np.zeros((5, 4, 3), np.float16)
    right, wrong = cell.copy(), cell.copy()
    right[:, index, labels], wrong[:, index, 2] = 1, 1
    control = LogitSet(labels, sure[[0, 1, 1, 1]], {"fog": right, "snow": right}, index)
    pruned = LogitSet(labels, sure[[0, 0, 0, 2]], {"fog": right, "snow": wrong}, index)
    found = damage(pruned, control)
    assert found.classes[:2].tolist() == [0.5, -1.0]
    assert np.isnan(found.classes[2])
    assert found.corruptions == {"fog": 0.0, "snow": -1.0}
    assert (found.flipped.tolist(), found.broken.tolist(), found.mended.tolist()) == ([1, 2, 3], [2, 3], [1])
    assert found.to_dict(["cat", "dog", "eel"])["classes"] == {"cat": 0.5, "dog": -1.0, "eel": None}
    with pytest.raises(BadInput, match="different images"):
        damage(pruned, LogitSet(1 - labels, control.clean))


def test_selective_prediction_sets_its_threshold_on_validation_images() -> None:
    selection, report = random_set(0, ("spatter",), 400), random_set(1, ("fog", "snow"), 400)
    validation = selection.predictions()
    threshold = accepting_threshold(validation.confidence, validation.correct, 0.7)
    found = selective_by_severity(selection=selection, report=report, accepted_error=0.7)
    assert list(found) == [0, 1, 2, 3, 4, 5]
    p = softmax(report.clean)
    assert found[0].coverage == pytest.approx((p.max(1) >= threshold).mean())
    corrupted = np.stack([softmax(cell[4]) for cell in report.cells.values()])
    slipped = (corrupted.max(2) >= threshold) & (corrupted.argmax(2) != report.cell_labels)
    assert found[5].undetected_error == pytest.approx(slipped.mean())
    assert list(selective_by_severity(selection=selection, report=random_set(1, ()), accepted_error=0.7)) == [0]


def test_a_scaled_set_has_the_columns_after_temperature() -> None:
    selection, report = random_set(0, ()), random_set(1, ("fog",))
    columns = record_columns(selection=selection, report=report, train=None, bins=15)
    scaled = report.scaled(float(columns["temperature"]))
    again = record_columns(selection=selection, report=scaled, train=None, bins=15)
    assert again["ece"] == pytest.approx(columns["ece_t"])
    assert again["mpc"] == columns["mpc"]
    assert again["corruption_ece"] != columns["corruption_ece"]
