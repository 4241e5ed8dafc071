"""A tracking URI that MLflow no longer takes is refused with the name of what says it, and what to do."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from prune_core.base.errors import BadInput
from sweeps.tracking.place import ForeignPlace, check_artifacts, checked_uri, short_reason
from sweeps.tracking.tracker import Tracker

FOLDERS = [
    "mlruns",
    "./mlruns",
    "/data/mlruns",
    "file:mlruns",
    "file:./mlruns",
    "file:///data/mlruns",
    "FILE:///data/mlruns",
]


@pytest.mark.parametrize("uri", FOLDERS)
def test_the_variable_or_the_key_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(BadInput) as caught:
        Tracker("mine", tmp_path, None, None, {})
    said = str(caught.value)
    assert "environment variable MLFLOW_TRACKING_URI" in said and repr(uri) in said and "`unset MLFLOW_TRACKING_URI`" in said
    assert "sqlite:///FILE" in said and "\n" not in said
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://fine")
    with pytest.raises(BadInput, match="tracking.mlflow of the study") as caught:
        Tracker("mine", tmp_path, uri, None, {})
    assert "MLFLOW_TRACKING_URI" not in str(caught.value)


@pytest.mark.parametrize(
    "uri", ["http://h:5000", "https://h", "sqlite:///x.db", "postgresql+psycopg://u:p@h/d", "databricks", "databricks://p"]
)
def test_what_mlflow_takes(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert checked_uri(None) == uri
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    assert checked_uri(None) is None


@pytest.mark.parametrize("uri", ["ftp://host/runs", "s3://bucket/runs", "htp://host:5000"])
def test_what_mlflow_does_not_know_is_refused_before_anything_runs(uri: str) -> None:
    with pytest.raises(BadInput, match=r"tracking.mlflow of the study is .*knows no \w+:// \(allowed: sqlite:///FILE"):
        checked_uri(uri)


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc",
        "/etc",
        "s3://bucket/x",
        "file://host/out/mlartifacts",
        "relative",
        "mlflow-artifacts:/1",
        "",
        "file:///",
    ],
)
def test_artifacts_of_a_folders_own_database_stay_in_it(tmp_path: Path, location: str) -> None:
    with pytest.raises(ForeignPlace, match="outside of this folder") as caught:
        check_artifacts(location, tmp_path / "out" / "mlartifacts")
    assert short_reason(caught.value) == str(caught.value)  # told whole: it names the place and the remedy


def test_a_place_below_the_folder_is_its_own_however_it_is_written(tmp_path: Path) -> None:
    own = tmp_path / "an out" / "mlartifacts"
    own.mkdir(parents=True)
    (tmp_path / "scratch").symlink_to(tmp_path / "an out")
    for place in (own.as_uri(), str(own), (own / "7" / "artifacts").as_uri(), str(tmp_path / "scratch" / "mlartifacts")):
        check_artifacts(place, own)
    for place in (f"{own.as_uri()}/../../victim", f"{own}/../../victim"):
        with pytest.raises(ForeignPlace):
            check_artifacts(place, own)


def test_a_received_database_sends_nothing_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    out, victim = tmp_path / "out", tmp_path / "victim"
    out.mkdir()
    first = Tracker("mine", out, None, None, {})
    first.start()
    assert first.finish(), first.problem
    with closing(sqlite3.connect(out / "mlflow.db")) as connection:
        connection.execute("update experiments set artifact_location = ?", (victim.as_uri(),))
        connection.execute("update runs set artifact_uri = ?", (f"{victim.as_uri()}/run",))
        connection.commit()
    (out / "front.csv").write_text("x")
    second = Tracker("mine", out, None, None, {})
    second.start()
    assert not second.finish(artifacts=[out / "front.csv"])
    assert second.problem is not None and str(victim) in second.problem and "\n" not in second.problem
    assert not victim.exists()
