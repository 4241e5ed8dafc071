"""What is written straight into MLflow's sqlite file, against what MLflow's own client writes and reads."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from sweeps.tracking.entry import Images, TrialEntry
from sweeps.tracking.place import Place
from sweeps.tracking.runs import StudyRuns

TABLES = {
    "runs": "name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time, source_version, "
    "lifecycle_stage, replace(artifact_uri, run_uuid, 'ID') as artifact_uri, experiment_id, deleted_time",
    "tags": "t.key, t.value",
    "params": "t.key, t.value",
    "metrics": "t.key, t.value, t.timestamp, t.step, t.is_nan",
    "latest_metrics": "t.key, t.value, t.timestamp, t.step, t.is_nan",
}


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Two folders with MLflow's tables, made once."""
    first, second = tmp_path_factory.mktemp("files"), tmp_path_factory.mktemp("client")
    found = [
        Place(f"sqlite:///{out / 'mlflow.db'}", "e", out / "mlartifacts", "study", "uid", {"team": "x"}, ("own",))
        for out in (first, second)
    ]
    StudyRuns(found[0])
    shutil.copy(first / "mlflow.db", second / "mlflow.db")
    return found


def entry(number: int, **more) -> TrialEntry:
    row = {"accuracy": 0.5, "ece": 0.1, "own": 3.0, "parameters": 1000 + number, "nll": float("nan")}
    return TrialEntry(
        key=f"{number:016x}",
        name=f"trial-{number}",
        params={"method": "l1_filter", "ratio": "0.5", "seed": number},
        metrics={0: row, 2: {**row, "accuracy": 0.75}},
        tags={"prunefront.name": f"whole name {number}"},
        corruptions={0: "corruption,s1\nfog,0.5\n"},
        curve=[{"epoch": 1, "loss": 2.0, "accuracy": 0.1, "learning_rate": 0.1}],
        images=Images("digits", "d" * 64, "digits", {"train": 300}),
        started=1000.5,
        ended=1010.25,
        **more,
    )


def rows(place: Place) -> dict[str, list[tuple[str, ...]]]:
    """Everything about the runs of trials, without the ids that are drawn at random."""
    found = {}
    with closing(sqlite3.connect(place.uri.removeprefix("sqlite:///"))) as connection:
        for table, columns in TABLES.items():
            named = "" if table == "runs" else "r.name, "
            of = "runs r" if table == "runs" else f"{table} t join runs r on r.run_uuid = t.run_uuid"
            query = f"select {named}{columns} from {of} where r.name like 'trial-%' order by 1, 2, 3"
            texts = [
                tuple(str(each).replace(str(place.artifacts), "OUT") for each in row) for row in connection.execute(query)
            ]
            parent = connection.execute("select run_uuid from runs where name = 'study'").fetchone()[0]
            found[table] = sorted(tuple(text.replace(parent, "PARENT") for text in row) for row in texts)
        found["inputs"] = connection.execute(
            "select r.name, d.name, d.digest, d.dataset_source, d.dataset_profile, i.source_type, "
            "i.destination_type, i.step, t.name, t.value from inputs i join runs r on r.run_uuid = i.destination_id "
            "join datasets d on d.dataset_uuid = i.source_id join input_tags t on t.input_uuid = i.input_uuid "
            "where r.name like 'trial-%' order by 1"
        ).fetchall()
    return found


def test_the_file_holds_what_the_client_writes_also_after_changes(places):
    entries = [entry(0), entry(1, status="failed", cause="out of memory"), entry(2)]
    grown = replace(entries[0], metrics={**entries[0].metrics, 5: {"accuracy": 0.9, "ece": 0.1}}, name="trial-renamed")
    mended = replace(entries[1], status="complete", cause=None)
    placed = replace(entries[2], tags={**entries[2].tags, "prunefront.on_front": "true"}, places={2: 0.75})
    taken_back = replace(placed, tags=entries[2].tags, places={})
    steps = [entries, [grown, mended, placed], [taken_back], [grown, mended, taken_back]]
    straight, client = StudyRuns(places[0]), StudyRuns(places[1])
    for step in steps:
        assert set(straight.send_many(step)) == {each.key for each in step}
        for each in step:
            client.send_trial(each)
        assert rows(places[0]) == rows(places[1])
    assert len(rows(places[0])["runs"]) == 3 and len(rows(places[0])["metrics"]) > 20


def test_a_number_that_changed_is_later_than_the_one_before(places):
    """One number for the whole trial changes with a longer budget: MLflow must take the last, and copy them to a model."""
    first = entry(3)
    grown = replace(first, metrics={**first.metrics, 5: {**first.metrics[2], "parameters": 900}})
    straight, client = StudyRuns(places[0]), StudyRuns(places[1])
    for each in (first, grown):
        straight.send_many([each])
        client.send_trial(each)
    assert rows(places[0]) == rows(places[1])
    run = straight.client.get_run(straight.runs[first.key].run_id)
    assert run.data.metrics["parameters"] == 900
    history = straight.client.get_metric_history(run.info.run_id, "parameters")
    assert sorted((point.value, point.timestamp) for point in history) == [(900, 1_010_251), (1003, 1_010_250)]


def test_a_budget_that_the_study_took_away_is_not_the_last_number_of_a_run(places):
    """MLflow shows and filters by the last step; the curve and what a user logged in the run stay."""
    tags = {"prunefront.name": "9", "prunefront.on_front": "true"}
    longer = replace(entry(9), tags=tags, places={0: 0.5, 2: 0.25})
    runs = StudyRuns(places[0])
    run_id = runs.send_many([longer])[longer.key]
    runs.client.log_metric(run_id, "mine", 1.0, step=2)
    shorter = replace(longer, metrics={0: longer.metrics[0]}, places={0: 0.5})
    runs.send_many([shorter])
    found = runs.client.get_run(run_id).data.metrics
    assert (found["accuracy"], found["own"], found["front_frequency"]) == (0.5, 3.0, 0.5)
    assert (found["parameters"], found["epoch_loss"], found["mine"]) == (1009, 2.0, 1.0)
    assert [point.step for point in runs.client.get_metric_history(run_id, "accuracy")] == [0]
    runs.send_many([longer])
    assert runs.client.get_run(run_id).data.metrics["accuracy"] == 0.75
    # of one seed nobody can tell how often; then there is no number, neither the old one nor 0
    runs.send_many([replace(longer, places={0: float("nan"), 2: float("nan")})])
    assert "front_frequency" not in runs.client.get_run(run_id).data.metrics


def test_mlflow_reads_what_was_written_and_a_new_start_finds_it_up_to_date(places):
    runs = StudyRuns(places[0])
    written = runs.send_many([entry(7)])
    run = runs.client.get_run(written[entry(7).key])
    assert run.info.status == "FINISHED" and run.data.metrics["accuracy"] == 0.75 and run.data.params["seed"] == "7"
    assert run.inputs.dataset_inputs[0].dataset.name == "digits"
    assert [each.path for each in runs.client.list_artifacts(run.info.run_id)] == ["corruptions.csv"]
    again = StudyRuns(places[0])
    assert again.runs[entry(7).key].digest == run.data.tags["prunefront.digest"]
    before = rows(places[0])
    assert again.send_many([entry(7)]) == written and rows(places[0]) == before


def test_tables_that_are_not_known_and_names_that_mlflow_may_refuse_are_left_to_the_client(places, tmp_path):
    runs = StudyRuns(places[0])
    assert runs.send_many([replace(entry(8), params={"a/b": 1})]) == {}
    place = replace(places[0], uri=f"sqlite:///{tmp_path / 'mlflow.db'}", artifacts=tmp_path / "mlartifacts")
    shutil.copy(places[0].uri.removeprefix("sqlite:///"), tmp_path / "mlflow.db")
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
        connection.execute("alter table params add column unit varchar(10)")
    later = StudyRuns(place)
    assert later.send_many([entry(9)]) == {}
    assert later.client.get_run(later.send_trial(entry(9))).data.params["seed"] == "9"
