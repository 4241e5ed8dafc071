"""The curve of a training: one row per epoch, whatever happened in between."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from prune_core.base.trial_folder import CURVE
from prune_core.training.curve import COLUMNS, add_epoch, read_curve, write_curve


def rows(count: int) -> list[dict[str, float]]:
    notes: dict[str, list[dict[str, float]]] = {}
    for epoch in range(1, count + 1):
        add_epoch(notes, epoch, {"loss": 1 / epoch, "accuracy": epoch / 10, "learning_rate": 0.1, "seconds": 2.0 * epoch})
    return notes["curve"]


def test_what_is_written_is_read_by_us_and_by_pandas(tmp_path: Path) -> None:
    write_curve(tmp_path, "fine-tune", rows(3))
    assert [row["loss"] for row in read_curve(tmp_path)] == [1, 0.5, 1 / 3]
    table = pd.read_csv(tmp_path / CURVE)
    assert tuple(table.columns) == COLUMNS
    assert table["epoch"].tolist() == [1, 2, 3] and set(table["phase"]) == {"fine-tune"}


def test_a_second_walk_to_a_shorter_budget_leaves_the_longer_curve(tmp_path: Path) -> None:
    write_curve(tmp_path, "fine-tune", rows(3))
    write_curve(tmp_path, "fine-tune", rows(1))
    write_curve(tmp_path, "fine-tune", [])
    assert len(read_curve(tmp_path)) == 3


@pytest.mark.parametrize(
    "damage", [b"", b"\xff\xfe", b"phase,epoch\nx,y\n", b"phase,epoch,loss,accuracy,learning_rate,seconds\nx,1\n"]
)
def test_a_damaged_curve_is_no_curve_and_is_written_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / CURVE).write_bytes(damage)
    assert read_curve(tmp_path) == []
    write_curve(tmp_path, "baseline", rows(2))
    assert len(read_curve(tmp_path)) == 2
