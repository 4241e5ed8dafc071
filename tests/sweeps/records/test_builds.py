"""Which builds a table comes of: counted, and said where there is more than one."""

from __future__ import annotations

import pandas as pd

from prune_core.base.build import BASELINE_BUILD, BUILD_COLUMNS, build_text
from sweeps.records.builds import builds_line, builds_of
from sweeps.records.columns import record_columns, text_columns

OLD = {"torch": "2.15.0", "numpy": "2.4.6", "processor": "Some CPU", "prunefront": "0.1.0"}
NEW = {**OLD, "torch": "2.16.0"}
GPU = {**NEW, "processor": "NVIDIA H100"}


def table(*rows: dict[str, str], base: str | None = None, status: str = "complete") -> pd.DataFrame:
    made = [{"status": status, **row, BASELINE_BUILD: base or build_text(row)} for row in rows]
    return pd.DataFrame(made, columns=["status", *BUILD_COLUMNS]).astype("string")


def test_one_build_is_not_mixed() -> None:
    assert builds_line(table(OLD, OLD)) is None
    assert list(builds_of(table(OLD, OLD)).values()) == [2]
    assert builds_line(table()) is None


def test_more_than_one_is_said_with_the_counts() -> None:
    line = builds_line(table(OLD, NEW, NEW))
    assert line is not None and line.startswith("mixed builds: 1 record by torch 2.15.0, numpy 2.4.6, prunefront 0.1.0 on")
    assert "2 records by torch 2.16.0" in line and "Some CPU" in line
    assert "1 record by" in str(builds_line(table(NEW, GPU))) and "NVIDIA H100" in str(builds_line(table(NEW, GPU)))


def test_records_of_a_version_that_did_not_write_builds_count_as_such() -> None:
    without = pd.DataFrame({"status": ["complete"] * 3, "accuracy": [0.1] * 3})
    assert builds_line(without) is None, "all of one kind, as far as anybody knows"
    line = builds_line(pd.concat([without, table(NEW)]))
    assert line == f"mixed builds: 3 records by a build that is not recorded; 1 record by {build_text(NEW)}"


def test_a_baseline_of_another_build_is_said() -> None:
    line = builds_line(table(NEW, NEW, base=build_text(OLD)))
    assert line == f"mixed builds: 2 records by {build_text(NEW)}; 2 of them from a baseline of another build"


def test_rows_without_a_network_do_not_count() -> None:
    assert not builds_of(table(OLD, status="failed"))


def test_the_columns_stand_at_the_end_and_hold_text() -> None:
    assert record_columns()[-5:] == ["torch", "numpy", "processor", "prunefront", "baseline_build"]
    assert set(BUILD_COLUMNS) <= set(text_columns())
