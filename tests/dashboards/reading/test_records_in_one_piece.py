"""A table of many columns is read in one piece: else pandas warns on the user's terminal wherever a column is added."""

from __future__ import annotations

import warnings
from pathlib import Path

import pandas as pd

from dashboards.reading.study_folder import read_study_folder
from prune_core.metrics.quantities import metrics_known
from tests.dashboards import synthetic


def test_a_column_can_be_added_to_records_that_were_in_order(tmp_path: Path) -> None:
    numbers = [name for one in metrics_known() if not one.is_text for name in one.columns]
    names = dict.fromkeys(f"{prefix}{name}" for prefix in ("", "val_", "delta_", "delta_val_") for name in numbers)
    table = synthetic.records().sort_values("key").iloc[:2].drop(columns=names, errors="ignore").reset_index(drop=True)
    table = pd.concat([table, pd.DataFrame(1.0, index=table.index, columns=list(names))], axis=1)
    once = read_study_folder(synthetic.write(tmp_path / "any", table))
    study = read_study_folder(synthetic.write(tmp_path / "ordered", once.records))
    assert len(study.records.columns) > 110
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        study.records.assign(another=1)
