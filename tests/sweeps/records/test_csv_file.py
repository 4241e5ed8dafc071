"""A table of records in a spreadsheet: no name in it is a formula; numbers come back as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sweeps.records.csv_file import write_csv

FORMULA = '=HYPERLINK("http://192.0.2.1/","x")'


def test_names_are_marked_numbers_are_not_and_the_table_itself_stays(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "network": [FORMULA, "vgg16"],
            "method": pd.Categorical(["+plugin", "l1_filter"]),
            "cause": [None, "@broken \x1b[31m\u202e"],
            "delta_accuracy": [-0.25, np.nan],
            "seed": pd.array([-1, None], dtype="Int64"),
            "=metric()": [-1.0, 2.0],
            "complete": [True, False],
        }
    )
    before = table.copy(deep=True)
    write_csv(table, tmp_path / "records.csv")
    pd.testing.assert_frame_equal(table, before)
    again = pd.read_csv(tmp_path / "records.csv")
    assert again["network"].tolist() == [f"'{FORMULA}", "vgg16"]
    assert again["method"].tolist() == ["'+plugin", "l1_filter"]
    assert again["cause"].tolist()[1] == "'@broken \ufffd[31m\ufffd"
    assert again["delta_accuracy"].tolist() == pytest.approx([-0.25, np.nan], nan_ok=True)
    assert again["seed"].tolist() == pytest.approx([-1, np.nan], nan_ok=True)
    assert again["'=metric()"].tolist() == [-1.0, 2.0]
    assert again["complete"].tolist() == [True, False]
    assert again.isna().sum().sum() == 3


def test_an_empty_table_has_its_header(tmp_path: Path) -> None:
    write_csv(pd.DataFrame({"network": [], "ratio": []}), tmp_path / "front.csv")
    assert (tmp_path / "front.csv").read_text() == "network,ratio\n"
