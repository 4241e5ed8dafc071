from __future__ import annotations

import csv

import numpy as np

from dashboards.analysis.csv_tables import write_tables


def test_neither_a_cell_nor_a_heading_is_a_formula(tmp_path):
    rows = [("=1+1", -0.25, np.float64("nan"), 3), (" @x\x1b[2J", 1e-12, 0.1, -3)]
    write_tables(tmp_path, {"flipped": (("=name()", "b", "c", "d"), rows)})
    with (tmp_path / "flipped.csv").open(encoding="utf-8", newline="") as file:
        head, *found = csv.reader(file)
    assert head == ["'=name()", "b", "c", "d"]
    assert found == [["'=1+1", "-0.25", "", "3"], ["' @x\ufffd[2J", "1e-12", "0.1", "-3"]]
