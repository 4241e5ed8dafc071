"""What counts as a difference between a tormented study and an undisturbed one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from benchmarks.chaos_compare import _last_numbers


def test_of_each_number_the_last_one_counts_and_a_place_that_was_lost_is_none(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as books, books:
        books.execute("create table metrics (key, step, value, timestamp, run_uuid)")
        rows = [
            ("front_frequency", 1, 0.5, 20, "a"),
            ("front_frequency", 1, 1.0, 10, "a"),
            ("front_frequency", 0, 1.0, 10, "a"),
            ("front_frequency", 0, 0.0, 20, "a"),
            ("accuracy", 1, 0.0, 10, "a"),
            ("train_seconds", 1, 3.0, 10, "a"),
            ("accuracy", 1, 0.7, 10, "b"),
        ]
        books.executemany("insert into metrics values (?, ?, ?, ?, ?)", rows)
    assert _last_numbers(tmp_path / "mlflow.db", "a") == [("accuracy", 1, 0.0), ("front_frequency", 1, 0.5)]
