"""The whole way, on real Ray, MLflow and Optuna: what the command leaves behind, and that it finds it again."""

from __future__ import annotations

import re
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


FILTERS = {
    "on the front, robust and small": lambda last: last["on_front"] & (last["mpc"] > 0.8) & (last["parameters"] < 5000),
    "on the front in over 95 % of the draws": lambda last: last["front_frequency"] > 0.95,
    "at most one point of accuracy below its control": lambda last: last["pruned"] & (last["delta_accuracy"] > -0.01),
    "one method, well calibrated": lambda last: (last["method"] == "l1_filter") & (last["ece"] < 0.05),
    "at least four times smaller": lambda last: last["compression"] >= 4,
    "one network, one seed": lambda last: (last["network"] == "small_vgg") & (last["seed"] == 0),
    "fine-tuned with a certain rate": lambda last: last["method"] != "baseline",
    "did not end well": lambda last: last["status"] != "complete",
}
"""Question of docs/mlflow.md -> which rows of the records, each trial at its longest budget, are the answer."""


def test_the_filters_of_the_docs_find_what_the_records_say(undisturbed: Path) -> None:
    from mlflow.tracking import MlflowClient

    page = (Path(__file__).parents[2] / "docs" / "mlflow.md").read_text(encoding="utf-8")
    typed = dict(re.findall(r"^\| ([^|]+) \| `+(.+?)`+ \|$", page.split("## Filters")[1].split("\n## ")[0], re.MULTILINE))
    assert set(FILTERS) <= set(typed)
    records = pd.read_parquet(undisturbed / "records.parquet").sort_values("budget")
    front = pd.read_csv(undisturbed / "front.csv")
    places = {key: row for row in front.sort_values("budget").to_dict("records") for key in row["keys"].split(";")}
    last = records.groupby("key").last().reset_index()
    last["pruned"] = ~last["method"].isin(["baseline", "control"])
    last["front_frequency"] = [places.get(key, {}).get("front_frequency", float("nan")) for key in last["key"]]
    reached = records["budget"].max()
    last["on_front"] = [
        key in places and (places[key]["budget"] == reached or method == "baseline")
        for key, method in zip(last["key"], last["method"], strict=True)
    ]
    client = MlflowClient(tracking_uri=f"sqlite:///{undisturbed / 'mlflow.db'}")
    (experiment,) = (one for one in client.search_experiments() if one.name == "prunefront")
    own = {run.info.run_id for run in client.search_runs([experiment.experiment_id], "tags.`prunefront.role` = 'trial'")}
    for question, wanted in FILTERS.items():
        asked = typed[question].replace("'0.02'", "'0.01'")  # the page is about quickstart, whose rate is another
        found = {run.info.run_id for run in client.search_runs([experiment.experiment_id], asked)} & own
        assert found == set(last.loc[wanted(last), "mlflow_run_id"]), question
