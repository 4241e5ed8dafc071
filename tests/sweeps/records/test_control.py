"""The control of a record: by key in new tables, found again in those of version 0.1.0."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from prune_core.base.build import BUILD_COLUMNS
from prune_core.base.kinds import CONTROL
from prune_core.base.trial_folder import NORMALISATION
from sweeps.records.collect import collect, read_records
from sweeps.records.columns import CHECKPOINT, CONTROL_KEY, delta_columns, record_columns
from sweeps.records.control import control_rows, with_control_keys
from sweeps.search.whole_plan import whole_plan

FIXTURE = Path(__file__).parents[2] / "fixtures" / "study-0.1.0.tar.xz"


@pytest.fixture(scope="module", name="out")
def _out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(FIXTURE) as archive:
        archive.extractall(folder, filter="data")
    return folder / "smoke"


def test_a_table_of_version_0_1_0_gets_the_keys_that_the_plan_says_and_stays_the_same_beside(out: Path) -> None:
    written = pd.read_parquet(out / "records.parquet")
    assert CONTROL_KEY not in written
    plan = whole_plan(out)
    run_ids = dict(zip(written["key"], written["mlflow_run_id"], strict=True))
    fresh = collect(out, plan.trials, study=plan.study.name, run_ids=run_ids)
    pd.testing.assert_frame_equal(
        fresh.drop(columns=[CONTROL_KEY, CHECKPOINT, NORMALISATION, *BUILD_COLUMNS]), written, check_exact=True
    )
    read = read_records(out)
    assert read[CONTROL_KEY].equals(fresh[CONTROL_KEY])
    assert read[CONTROL_KEY].notna().sum() == written["delta_nll"].notna().sum() > 0


def test_differences_are_against_the_record_that_the_key_names(out: Path) -> None:
    plan = whole_plan(out)
    table = collect(out, plan.trials, study=plan.study.name)
    assert list(table.columns) == record_columns()
    rows = control_rows(table)
    assert (table["method"].iloc[rows[rows >= 0]] == CONTROL).all()
    for name in ("delta_accuracy", "delta_val_ece"):
        assert name in delta_columns()
        metric = table[name.removeprefix("delta_")].to_numpy()
        expected = np.where(rows >= 0, metric - metric[rows], np.nan)
        np.testing.assert_array_equal(table[name].to_numpy(), expected)
    assert table.loc[table["method"].eq("baseline"), CONTROL_KEY].isna().all()


def test_a_control_that_has_not_come_so_far_has_no_row() -> None:
    table = pd.DataFrame(
        {
            "key": ["c", "c", "p", "p", "b"],
            "budget": [0, 2, 0, 2, 0],
            "status": ["complete", "failed", "complete", "complete", "complete"],
            CONTROL_KEY: pd.array(["c", "c", "c", "c", None], dtype="string"),
        }
    )
    assert control_rows(table).tolist() == [0, -1, 0, -1, -1]


def test_a_table_without_what_the_old_way_needs_has_no_controls() -> None:
    found = with_control_keys(pd.DataFrame({"key": ["a"], "status": ["complete"], "budget": [0]}))
    assert found[CONTROL_KEY].isna().all() and control_rows(found).tolist() == [-1]
