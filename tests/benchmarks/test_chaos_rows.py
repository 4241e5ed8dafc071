"""Rows of chaos are kept over several runs, and counted as a person would."""

from __future__ import annotations

from pathlib import Path

from benchmarks.chaos_rows import Struck, keep, kept, table


def test_rows_of_two_runs_come_back_and_are_counted(tmp_path: Path) -> None:
    first = [Struck("abc", "1", "cluster", "worker", ended, "equal") for ended in ("went on", "exit 0")]
    second = [Struck("def", "2", "hosts", "partition", "went on", "records differ (13 rows, undisturbed 14)")]
    path = tmp_path / "rows.csv"
    keep(path, first)
    keep(path, second)
    assert kept(path) == [*first, *second]
    lines = table(kept(path)).splitlines()
    assert lines[0].endswith(": 2 with seed 1 on commit abc, 1 with seed 2 on commit def")
    assert lines[4:] == [
        "| partition | hosts | 1 | went on (1) | records differ (13 rows, undisturbed 14) |",
        "| worker | cluster | 2 | went on (1), exit 0 (1) | equal |",
    ]
