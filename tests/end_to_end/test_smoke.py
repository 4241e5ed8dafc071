"""The whole way, on real Ray, MLflow and Optuna: what the command leaves behind, and that it finds it again."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from tests.end_to_end.running import finished, prunefront

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_the_output_folder_holds_what_the_architecture_promises(undisturbed: Path) -> None:
    for name in ("study.yaml", "records.parquet", "records.csv", "front.csv", "report/index.html", "mlflow.db", "optuna.db"):
        assert (undisturbed / name).stat().st_size > 0, name
    assert sorted(path.suffix for path in (undisturbed / "report" / "figures").iterdir())[0] == ".png"
    said = (undisturbed.parent.parent / "said.txt").read_text()
    assert said.rstrip().endswith(f"report: {undisturbed / 'report' / 'index.html'}")


def test_baselines_and_controls_are_there_without_being_asked_for(undisturbed: Path) -> None:
    records = pd.read_parquet(undisturbed / "records.parquet")
    assert set(records["status"]) == {"complete"}
    counts = records.groupby("method").size().to_dict()
    # 2 seeds; controls and 2 methods at 1 ratio, each at budgets 0 and 1
    assert counts == {"baseline": 2, "control": 4, "unstructured": 4, "l1_filter": 4}
    control = records[(records["method"] == "control") & (records["budget"] == 0)].set_index("seed")["accuracy"]
    baseline = records[records["method"] == "baseline"].set_index("seed")["accuracy"]
    pd.testing.assert_series_equal(control, baseline)
    assert (records.loc[records["method"] == "unstructured", "sparsity"].round(2) == 0.5).all()


def test_every_trial_is_one_child_run_in_mlflow_and_every_candidate_one_row_in_optuna(undisturbed: Path) -> None:
    records = pd.read_parquet(undisturbed / "records.parquet")
    with sqlite3.connect(undisturbed / "mlflow.db") as books:
        keys = books.execute("select value from tags where key = 'prunefront.key'").fetchall()
        status = books.execute("select distinct status from runs").fetchall()
        models = books.execute("select count(*) from logged_models").fetchall()
        progress = books.execute("select max(step) from metrics where key = 'hypervolume' and value > 0").fetchall()
        differences = books.execute("select count(*) from latest_metrics where key = 'delta_accuracy'").fetchall()
    assert sorted(key for (key,) in keys) == sorted(records["key"].unique())
    assert status == [("FINISHED",)]
    assert records["mlflow_run_id"].notna().all()
    artifacts = undisturbed / "mlartifacts"
    assert len(list(artifacts.rglob("corruptions.csv"))) == len(keys) == 8
    # the study says: two networks of the front
    assert models == [(2,)]
    assert len(list(artifacts.glob("models/*/artifacts/MLmodel"))) == 2
    assert not (undisturbed.parent.parent / "mlruns").exists()
    assert len(list(artifacts.rglob("network-b*.png"))) == 2
    assert progress == [(8,)]
    assert differences == [(6,)]  # controls and pruned
    with sqlite3.connect(undisturbed / "optuna.db") as books:
        states = books.execute("select state, count(*) from trials group by state").fetchall()
    assert states == [("COMPLETE", 4)]  # 2 methods, 1 ratio, 2 budgets


def test_run_again_finds_everything_done(undisturbed: Path) -> None:
    before = {key: (undisturbed / "trials" / key / "outcome.json").stat().st_mtime_ns for key in finished(undisturbed)}
    ran = prunefront("run", "smoke", "--out", undisturbed, cwd=undisturbed.parent)
    assert ran.returncode == 0, ran.stderr
    assert "everything is there" in ran.stdout
    after = {key: (undisturbed / "trials" / key / "outcome.json").stat().st_mtime_ns for key in finished(undisturbed)}
    assert after == before
