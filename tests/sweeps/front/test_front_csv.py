"""``front.csv`` names each candidate as ``--pick`` takes it, and says who meets the limits."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sweeps.front.front import write_front
from sweeps.study.values import parse_limit
from tests.sweeps.front.test_within import RECORDS


def test_the_name_is_what_pick_takes_and_limits_are_judged(tmp_path: Path):
    limits = [parse_limit("val_worst_corruption_accuracy >= 0.4"), parse_limit("size_bytes <= 30000")]
    write_front(tmp_path, RECORDS, {"accuracy": "max", "size_bytes": "min"}, limits=limits, seeds=[0])
    table = pd.read_csv(tmp_path / "front.csv").set_index("name")
    assert set(table.index) == {"net-l1_filter-r0.50-b0", "net-l1_filter-r0.90-b0", "half-dense", "net-baseline"}
    assert table.loc["net-l1_filter-r0.50-b0", "limits"] == "met, not by report numbers"
    assert table.loc["half-dense", "limits"] == "met"
    assert table.loc["net-baseline", "limits"] == "missed"
    assert table.loc["half-dense", "worst_corruption_accuracy"] == 0.45


def test_without_limits_there_is_no_such_column(tmp_path: Path):
    write_front(tmp_path, RECORDS, {"accuracy": "max", "size_bytes": "min"}, seeds=[0])
    assert "limits" not in pd.read_csv(tmp_path / "front.csv")
