"""Databases lie in the output folder whatever it is called, and are found there again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from mlflow.tracking import MlflowClient

from sweeps.folder.sqlite import sqlite_address, sqlite_path
from sweeps.search.storage import open_storage
from sweeps.tracking.database import prepare_database
from sweeps.tracking.tracker import Tracker

NASTY = [
    "a?b",
    "a#b",
    "a%b",
    "a%20b",
    "a%(x)s",
    "what? 100% #1",
    "a b",
    "ä ö 日本",
    "a'b\"c",
    "a&b=c;d",
    "a@b:c",
    "?mode=ro",
]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture(scope="module", name="whole")
def _whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of MLflow, made once: fifty migrations take seconds."""
    path = tmp_path_factory.mktemp("whole") / "mlflow.db"
    prepare_database(f"sqlite:///{path}", own=True)
    return path


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    yield


@pytest.mark.parametrize("name", NASTY)
def test_both_databases_lie_in_the_folder_and_are_opened_again(tmp_path: Path, name: str, whole: Path) -> None:
    out = tmp_path / name / "x"
    out.mkdir(parents=True)
    (out / "mlflow.db").write_bytes(whole.read_bytes())

    address = Tracker("mine", out, None, None, {}).uri
    assert sqlite_path(address) == out / "mlflow.db"
    experiment = MlflowClient(tracking_uri=address).create_experiment("here")
    prepare_database(address, own=True)  # whole, so it stays
    assert MlflowClient(tracking_uri=Tracker("mine", out, None, None, {}).uri).get_experiment(experiment).name == "here"
    with closing(sqlite3.connect(out / "mlflow.db")) as books:
        assert books.execute("select count(*) from experiments where name = 'here'").fetchone() == (1,)

    optuna.create_study(storage=open_storage(out, None), study_name="here")
    assert optuna.load_study(storage=open_storage(out, None), study_name="here").trials == []
    assert {"mlflow.db", "optuna.db"} <= names(out)
    assert names(tmp_path) == {name}, "nothing lies elsewhere"


def test_a_new_mlflow_file_is_made_in_the_folder(tmp_path: Path) -> None:
    out = tmp_path / "100% sure?"
    out.mkdir()
    prepare_database(sqlite_address(out / "mlflow.db"), own=True)
    assert names(tmp_path) == {"100% sure?"}
    assert names(out) == {"mlflow.db"}


def test_plain_paths_have_plain_addresses(tmp_path: Path) -> None:
    assert sqlite_address(tmp_path / "a b" / "x.db") == f"sqlite:///{tmp_path / 'a b' / 'x.db'}"


@pytest.mark.parametrize(
    "address", ["sqlite://", "sqlite:///:memory:", "sqlite:////x?mode=ro", "postgresql://h/x", "http://h", "x"]
)
def test_what_is_no_file_of_ours(address: str) -> None:
    assert sqlite_path(address) is None
