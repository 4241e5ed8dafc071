"""What a study writes besides its trials, against what two runs wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps.cost.books import book_bytes
from sweeps.study.model import load_study


@pytest.mark.parametrize(
    ("name", "trials", "records", "parameters", "written"),
    [("smoke", 8, 14, [1702], 15.5e6), ("quickstart", 120, 228, [6274, 19074], 30.7e6)],
)
def test_report_and_mlflow_are_counted(tmp_path: Path, name, trials, records, parameters, written):
    planned = book_bytes(load_study(name), tmp_path, trials=trials, records=records, parameters=parameters)
    assert planned == pytest.approx(written, rel=0.15)


def test_what_another_server_keeps_is_not_on_this_disk_and_nothing_is_written_for_nothing(tmp_path: Path):
    study = load_study("smoke")
    there = load_study("smoke", ["tracking.mlflow=http://127.0.0.1:5000"])
    away, here = (book_bytes(each, tmp_path, trials=8, records=14, parameters=[1702]) for each in (there, study))
    assert away < here / 2
    assert book_bytes(study, tmp_path, trials=0, records=0, parameters=[]) == 0
