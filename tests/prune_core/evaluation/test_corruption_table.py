"""The table of corruptions against two plain loops, and against the rule that small cells have no ECE."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from prune_core.base.trial_folder import CORRUPTIONS
from prune_core.evaluation.corruption_table import corruption_table, write_corruption_table
from prune_core.evaluation.logits import LogitSet
from prune_core.metrics import calibration_error


def logits(images: int) -> LogitSet:
    stream = np.random.default_rng(7)
    cells = {name: stream.normal(size=(5, images, 3)).astype(np.float16) for name in ("fog", "snow")}
    return LogitSet(stream.integers(0, 3, images), stream.normal(size=(images, 3)), cells, np.arange(images))


def test_each_cell_is_what_two_loops_find() -> None:
    found = logits(1000)
    rows = list(csv.DictReader(corruption_table(found, bins=10).splitlines()))
    assert [row["corruption"] for row in rows] == ["fog", "snow"]
    for row in rows:
        for severity in range(1, 6):
            cell = found.cells[row["corruption"]][severity - 1].astype(np.float64)
            right = [int(np.argmax(each)) == label for each, label in zip(cell, found.labels, strict=True)]
            assert float(row[f"accuracy_s{severity}"]) == pytest.approx(sum(right) / len(right), abs=1e-6)
            chances = np.exp(cell) / np.exp(cell).sum(axis=1, keepdims=True)
            wanted = calibration_error(chances, found.labels, bins=10)
            assert float(row[f"ece_s{severity}"]) == pytest.approx(wanted, abs=1e-6)


def test_cells_of_few_images_have_no_ece_and_say_how_many() -> None:
    head, first, *_ = corruption_table(logits(50), bins=10).splitlines()
    assert "ece" not in head
    assert first.startswith("fog,50,")


def test_nothing_is_written_where_nothing_was_corrupted(tmp_path: Path) -> None:
    clean = LogitSet(np.zeros(4, np.int64), np.zeros((4, 3)))
    assert corruption_table(clean, bins=10) == corruption_table(None, bins=10) == ""
    write_corruption_table(tmp_path, clean, bins=10)
    assert list(tmp_path.iterdir()) == []
    write_corruption_table(tmp_path, logits(20), bins=10)
    assert [path.name for path in tmp_path.iterdir()] == [CORRUPTIONS]


def test_a_corruption_whose_name_is_a_formula_or_two_lines_is_neither() -> None:
    found = logits(20)
    found = LogitSet(found.labels, found.clean, {"=1+1": found.cells["fog"], "a\nb": found.cells["snow"]}, found.cell_index)
    lines = corruption_table(found, bins=10).splitlines()
    assert [line.split(",")[0] for line in lines] == ["corruption", "'=1+1", "a\ufffdb"]
