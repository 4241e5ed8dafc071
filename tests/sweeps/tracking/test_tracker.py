"""A real MLflow on sqlite: the same runs whatever happens in between, no NaN, and no waiting for a server that is gone."""

from __future__ import annotations

import json
import math
import os
import shutil
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from importlib import metadata

import pytest

from prune_core.base.errors import BadInput
from sweeps.tracking.about import About
from sweeps.tracking.entry import Images
from sweeps.tracking.parent import ProgressRow
from sweeps.tracking.place import quieten_mlflow
from sweeps.tracking.tracker import Tracker, TrialEntry


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """An MLflow database with its tables: making them takes seconds, a copy takes none."""
    folder = tmp_path_factory.mktemp("tables")
    tracker = Tracker("empty", folder, None, "other", {})
    tracker.start()
    assert tracker.finish(), tracker.problem
    return folder / "mlflow.db"


@pytest.fixture
def out(tables, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    shutil.copy(tables, tmp_path / "mlflow.db")
    return tmp_path


def entry(number=0, *, budgets=(0, 2), status="complete", cause=None, **more):
    row = {"accuracy": 0.5 + number / 100, "ece": 0.1, "nll": math.nan, "mpc": math.inf, "val_accuracy": None, "junk": 1.0}
    row |= {"worst_corruption": "fog", "parameters": 1000, "train_seconds": 2.5}
    return TrialEntry(
        key=f"key{number}",
        name=f"vgg16-l1_filter-r0.50-s{number}",
        params={"method": "l1_filter", "ratio": "0.5", "seed": number},
        status=status,
        cause=cause,
        metrics={budget: row | {"ece": 0.1 / (1 + budget)} for budget in budgets},
        **more,
    )


def send(out, entries, *, status="FINISHED", artifacts=(), tags=None, **more):
    tracker = Tracker("demo", out, None, None, tags or {"team": "safety"}, **more)
    tracker.start()
    tracker.reconcile(entries)
    assert tracker.finish(status, artifacts), tracker.problem
    return tracker


def client(out):
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=f"sqlite:///{out / 'mlflow.db'}")


def runs(out, view=1):
    """Return parent and children by name; view 1 is active runs only, 3 all."""
    mlflow = client(out)
    experiment = mlflow.get_experiment_by_name("prunefront")
    found = mlflow.search_runs([experiment.experiment_id], run_view_type=view)
    return {run.info.run_name: run for run in found} if view == 1 else list(found)


def rows(out, query):
    with closing(sqlite3.connect(out / "mlflow.db")) as connection:
        return connection.execute(query).fetchall()


def snapshot(out):
    """Everything that the database says about runs."""
    tables = ("metrics", "params", "tags", "latest_metrics")
    return {table: sorted(map(repr, rows(out, f"select * from {table}"))) for table in tables}


def test_one_parent_one_child_per_trial_with_true_status_and_the_studys_tags(out):
    causes = {"complete": None, "diverged": "loss is nan", "failed": "boom", "stopped": None}
    ends = [entry(number, status=status, cause=cause) for number, (status, cause) in enumerate(causes.items())]
    tracker = send(out, ends)
    found = runs(out)
    parent = found.pop("demo")
    assert parent.info.status == "FINISHED" and parent.data.tags["team"] == "safety"
    assert sorted(found) == [f"vgg16-l1_filter-r0.50-s{number}" for number in range(4)]
    assert [found[name].info.status for name in sorted(found)] == ["FINISHED", "FAILED", "FAILED", "KILLED"]
    for number, run in enumerate(found[name] for name in sorted(found)):
        tags = run.data.tags
        assert tags["mlflow.parentRunId"] == parent.info.run_id
        assert tags["prunefront.key"] == f"key{number}" and tags["team"] == "safety"
        assert tags["prunefront.status"] == ends[number].status and tags.get("prunefront.cause") == ends[number].cause
        assert run.data.params == {"method": "l1_filter", "ratio": "0.5", "seed": str(number)}
        assert tracker.run_ids()[f"key{number}"] == run.info.run_id


def test_metrics_have_the_budget_as_step_and_are_few_and_finite(out):
    tracker = send(out, [entry(0)], also=("val_ece_t", "junk"))
    history = client(out).get_metric_history(tracker.run_ids()["key0"], "ece")
    assert sorted((point.step, point.value) for point in history) == [(0, 0.1), (2, pytest.approx(0.1 / 3))]
    logged = rows(out, "select key, step, is_nan from metrics")
    assert {name for name, _, _ in logged} == {"accuracy", "ece", "junk", "parameters", "train_seconds"}
    assert [step for name, step, _ in logged if name == "parameters"] == [0]
    assert not any(is_nan for _, _, is_nan in logged)


def test_again_is_the_same_to_the_last_row(out):
    entries = [entry(number) for number in range(3)]
    send(out, entries)
    before = snapshot(out)
    tracker = send(out, entries)
    after = snapshot(out)
    assert set(tracker.run_ids()) == {"key0", "key1", "key2"}
    assert after == before
    assert len(runs(out)) == 4


def test_a_grown_trial_is_the_same_run_with_the_new_steps_added(out):
    first = send(out, [entry(0)]).run_ids()
    grown = send(out, [entry(0, budgets=(0, 2, 5)), entry(1)]).run_ids()
    assert grown["key0"] == first["key0"] and len(runs(out)) == 3
    steps = [point.step for point in client(out).get_metric_history(grown["key0"], "accuracy")]
    assert sorted(steps) == [0, 2, 5]


def test_a_failed_trial_that_is_mended_is_the_same_run(out):
    first = send(out, [entry(0, budgets=(), status="failed", cause="disk full")]).run_ids()
    again = send(out, [entry(0)])
    run = client(out).get_run(again.run_ids()["key0"])
    assert again.run_ids() == first
    assert (run.info.status, run.data.tags["prunefront.status"]) == ("FINISHED", "complete")
    assert run.data.tags["prunefront.cause"] == ""


def test_what_a_killed_driver_left_is_put_right(out):
    """Open runs, a run without numbers, doubled runs of one key, a doubled parent: as after kill -9 and time-outs."""
    send(out, [entry(0), entry(1)])
    mlflow = client(out)
    ids = {name: run.info.run_id for name, run in runs(out).items()}
    done = runs(out)["vgg16-l1_filter-r0.50-s0"]
    mlflow.update_run(ids["demo"], status="RUNNING")
    mlflow.update_run(ids["vgg16-l1_filter-r0.50-s1"], status="RUNNING")
    experiment = done.info.experiment_id
    copied = {name: value for name, value in done.data.tags.items() if name != "mlflow.runName"}
    of_parent = {name: value for name, value in mlflow.get_run(ids["demo"]).data.tags.items() if name != "mlflow.runName"}
    double = mlflow.create_run(experiment, run_name="double", tags=copied).info.run_id
    orphan = mlflow.create_run(experiment, run_name="orphan", tags=copied | {"prunefront.key": "key9"}).info.run_id
    parent = mlflow.create_run(experiment, run_name="parent", tags=of_parent).info.run_id
    unfinished = mlflow.create_run(experiment, run_name="cut", tags=copied | {"prunefront.key": "key2"}).info.run_id

    tracker = send(out, [entry(0), entry(1), entry(2)])
    assert tracker.run_ids() == {
        "key0": ids["vgg16-l1_filter-r0.50-s0"],
        "key1": ids["vgg16-l1_filter-r0.50-s1"],
        "key2": unfinished,
        "key9": orphan,
    }
    status = {run.info.run_id: (run.info.status, run.info.lifecycle_stage) for run in runs(out, view=3)}
    assert status[double][1] == status[parent][1] == "deleted"
    assert status[orphan] == ("KILLED", "active")
    assert {status[ids["demo"]], status[unfinished], status[tracker.run_ids()["key1"]]} == {("FINISHED", "active")}
    assert mlflow.get_run(unfinished).data.metrics["accuracy"] == 0.52
    assert len(mlflow.get_metric_history(tracker.run_ids()["key1"], "accuracy")) == 2


def test_progress_and_files_are_with_the_parent(out):
    (out / "report").mkdir()
    (out / "report" / "index.html").write_text("<p>front</p>")
    (out / "study.yaml").write_text("name: demo\n")
    tracker = Tracker("demo", out, None, None, {})
    tracker.start()
    tracker.log_progress(ProgressRow({"done": 1, "hypervolume": math.nan}, 1, 0.0))
    tracker.log_progress(ProgressRow({"done": 2, "hypervolume": 0.5}, 2, 1.0, {"reference": "val_ece 1"}))
    head = "corruption,images,accuracy_s1,accuracy_s2"
    tables = {2: f"{head}\nfog,9,0.700000,0.600000\n", 0: f"{head}\nfog,9,0.900000,0.800000\n"}
    tracker.log_trial(entry(0, corruptions=tables, artifacts=[out / "study.yaml"]))
    assert tracker.finish("KILLED", [out / "study.yaml", out / "report", out / "missing"])
    parent = runs(out)["demo"]
    mlflow = client(out)
    assert parent.info.status == "KILLED" and parent.data.metrics == {"done": 2.0, "hypervolume": 0.5}
    assert parent.data.tags["reference"] == "val_ece 1"
    assert {item.path for item in mlflow.list_artifacts(parent.info.run_id)} == {"study.yaml", "report", "environment.json"}
    (environment,) = (out / "mlartifacts").rglob("environment.json")
    assert json.loads(environment.read_text())["installed"]["torch"] == metadata.version("torch")
    child = tracker.run_ids()["key0"]
    assert {item.path for item in mlflow.list_artifacts(child)} == {"study.yaml", "corruptions.csv"}
    (table,) = (out / "mlartifacts").rglob("corruptions.csv")
    assert table.read_text() == f"budget,{head}\n0,fog,9,0.900000,0.800000\n2,fog,9,0.700000,0.600000\n"
    again = Tracker("demo", out, None, None, {})
    again.start()
    again.log_progress(ProgressRow({"done": 2, "failed": 1}, 2, 2.0))
    assert again.finish()
    assert [point.step for point in mlflow.get_metric_history(parent.info.run_id, "done")] == [1, 2]
    assert runs(out)["demo"].data.metrics["failed"] == 1


def test_two_studies_of_one_name_in_one_database_stay_apart(out, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    uri = f"sqlite:///{out / 'mlflow.db'}"
    first = send(out, [entry(0)]).run_ids()
    tracker = Tracker("demo", other, uri, None, {})
    tracker.start()
    tracker.log_trial(entry(0))
    assert tracker.finish()
    assert tracker.run_ids() != first and len(runs(out, view=3)) == 4


def test_mlflows_own_environment_is_respected_and_the_study_file_goes_first(out, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{out / 'mlflow.db'}")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "from-environment")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for experiment in (None, "from-study"):
        tracker = Tracker("demo", elsewhere, None, experiment, {})
        tracker.start()
        assert tracker.finish(), tracker.problem
    names = {experiment.name for experiment in client(out).search_experiments()}
    assert {"from-environment", "from-study"} <= names
    assert not (elsewhere / "mlflow.db").exists()


def test_telemetry_is_off_whatever_the_user_set(tables, monkeypatch):
    from mlflow.telemetry.utils import is_telemetry_disabled

    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "77")
    quieten_mlflow()
    assert is_telemetry_disabled()
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "77"


def test_what_could_not_be_sent_is_sent_at_the_next_start(out, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    gone = Tracker("demo", out, "http://127.0.0.1:9", None, {})
    gone.start()
    gone.log_trial(entry(0))
    assert not gone.finish(limit_s=30)
    assert set(send(out, [entry(0), entry(1)]).run_ids()) == {"key0", "key1"}


def test_what_waited_for_the_next_write_when_the_driver_was_killed_is_written_at_the_next_start(out):
    whole = [entry(number) for number in range(4)]
    killed = Tracker("demo", out, None, None, {"team": "safety"})
    killed.start()
    killed.reconcile(whole[:2])
    assert killed.flush()
    killed._next_write = math.inf  # what ends now waits, to go together
    killed.reconcile(whole[2:])
    killed._stop = True  # and the process is gone before it is written
    assert killed._thread is not None
    killed._thread.join(10)
    assert not killed._thread.is_alive()
    assert set(runs(out)) == {"demo", "vgg16-l1_filter-r0.50-s0", "vgg16-l1_filter-r0.50-s1"}
    tracker = send(out, whole)
    assert set(tracker.run_ids()) == {"key0", "key1", "key2", "key3"}
    assert {run.info.status for run in runs(out).values()} == {"FINISHED"}
    assert len(rows(out, "select distinct run_uuid from metrics where key = 'accuracy'")) == 4


def test_a_database_that_is_locked_for_a_while_loses_nothing(out):
    send(out, [])
    tracker = Tracker("demo", out, None, None, {})
    with closing(sqlite3.connect(out / "mlflow.db", check_same_thread=False, isolation_level=None)) as holder:
        holder.execute("begin exclusive")
        threading.Timer(2.0, holder.execute, ["rollback"]).start()
        tracker.start()
        tracker.log_trial(entry(0))
        assert tracker.finish(limit_s=100) or tracker.flush(100)
    assert len(runs(out)) == 2


def test_an_entry_that_mlflow_refuses_does_not_block_the_others(out):
    tracker = Tracker("demo", out, None, None, {})
    tracker.start()
    tracker.log_trial(TrialEntry(key="bad", name="bad", params={"no/../way": 1}))
    tracker.log_trial(entry(1))
    assert not tracker.finish()
    assert "refused 1" in str(tracker.problem) and "bad" in str(tracker.problem)
    assert "key1" in tracker.run_ids() and runs(out)["demo"].info.status == "FINISHED"


@pytest.mark.parametrize("uri", ["mlruns", "/tmp/mlruns", "file:///tmp/mlruns"])
def test_a_plain_folder_is_refused_in_one_line(tmp_path, uri):
    with pytest.raises(BadInput, match="allowed are sqlite"):
        Tracker("demo", tmp_path, uri, None, {})


def test_an_unknown_status_is_a_programming_error(tmp_path):
    with pytest.raises(ValueError, match="complete"):
        Tracker("demo", tmp_path, None, None, {}).log_trial(entry(0, status="pruned"))


def test_images_curve_and_place_are_sent_once_and_a_place_is_taken_back(out):
    images = Images("digits", "0123456789abcdef" * 4, "digits", {"images": 500})
    curve = [{"epoch": epoch, "loss": 1 / epoch, "accuracy": 0.5, "learning_rate": 0.1} for epoch in (1, 2, 3)]
    first = replace(entry(0), images=images, curve=curve, places={2: 0.8}, tags={"prunefront.on_front": "true"})
    tracker = send(out, [first, entry(1)])
    run_id = tracker.run_ids()["key0"]
    history = client(out).get_metric_history(run_id, "epoch_loss")
    assert [(point.step, point.value) for point in history] == [(1, 1.0), (2, 0.5), (3, pytest.approx(1 / 3))]
    (given,) = client(out).get_run(run_id).inputs.dataset_inputs
    assert (given.dataset.name, given.dataset.digest) == ("digits", ("0123456789abcdef" * 4)[:36])
    before = snapshot(out)
    send(out, [first, entry(1)])
    assert snapshot(out)["metrics"] == before["metrics"]
    found = client(out).search_runs(["2"], "tags.`prunefront.on_front` = 'true' and metrics.front_frequency > 0.5")
    assert [run.info.run_id for run in found] == [run_id]
    send(out, [replace(first, places={}, tags={}), entry(1)])  # killed before it was told: the run itself remembers
    assert not client(out).search_runs(["2"], "tags.`prunefront.on_front` = 'true'")


def test_runs_of_trials_that_left_the_study_are_on_no_front_until_they_come_back(out):
    placed = [replace(entry(n), places={0: 0.9, 2: 0.8}, tags={"prunefront.on_front": "true"}) for n in (0, 1)]
    ids = send(out, placed).run_ids()
    for _ in range(2):  # the second time it is known
        tracker = Tracker("renamed", out, None, None, {"team": "vision"})
        tracker.start()
        tracker.log_trial(placed[0])
        assert tracker.finish(trials=["key0"]), tracker.problem
        on_front = "tags.`prunefront.on_front` = 'true' and metrics.front_frequency > 0.5"
        assert [run.info.run_id for run in client(out).search_runs(["2"], on_front)] == [ids["key0"]]
        assert len(client(out).get_metric_history(ids["key1"], "front_frequency")) == 4  # 0.9, 0.8, and twice 0
        # whether a trial changed or not, its run says what the study is called now; so does the parent
        said = {(run.data.tags["prunefront.study"], run.data.tags["team"]) for run in runs(out, view=3)}
        assert said == {("renamed", "vision")} and "renamed" in runs(out)
    assert send(out, placed).run_ids() == ids
    assert len(client(out).search_runs(["2"], on_front)) == 2
    send(out, [placed[0], replace(placed[1], places={0: 0.9}, tags={"prunefront.on_front": "false"})])
    assert client(out).get_run(ids["key1"]).data.metrics["front_frequency"] == 0


def test_a_run_that_is_called_otherwise_now_is_renamed(out):
    send(out, [entry(0)])
    tracker = send(out, [replace(entry(0), name="vgg16-l1filt-.50-s0")])
    assert client(out).get_run(tracker.run_ids()["key0"]).info.run_name == "vgg16-l1filt-.50-s0"


def test_a_curve_of_a_very_long_training_goes_in_several_calls(out):
    curve = [{"epoch": epoch, "loss": 1.0, "accuracy": 0.5, "learning_rate": 0.1} for epoch in range(1, 801)]
    tracker = send(out, [replace(entry(0), curve=curve)])
    assert len(client(out).get_metric_history(tracker.run_ids()["key0"], "epoch_accuracy")) == 800


def test_the_parent_says_what_the_study_is_and_links_to_its_report(out):
    about = About("**demo**: of digits", {"ratios": "0.5"}, Images("digits", "ab" * 32, "digits"))
    (out / "front.csv").write_text("budget,front_frequency,keys\n0,0.9,key0\n2,0.8,key1\n2,0.7,key2\n")
    send(out, [entry(0)], about=about, artifacts=[out / "front.csv"])
    parent = runs(out)["demo"]
    text = parent.data.tags["mlflow.note.content"]
    assert (
        text.startswith("**demo**: of digits") and "2 candidates after 2 epochs of fine-tuning, 3 over all budgets" in text
    )
    assert f"#/experiments/2/runs/{parent.info.run_id}/artifacts/report/index.html" in text
    assert parent.data.params == {"ratios": "0.5"}
    assert [each.dataset.name for each in parent.inputs.dataset_inputs] == ["digits"]
    send(out, [entry(0)], about=replace(about, parameters={"ratios": "0.5, 0.7"}))  # MLflow never lets a parameter change
    assert runs(out)["demo"].data.params == {"ratios": "0.5"}
