from __future__ import annotations

import errno
import math
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import TrialState, create_trial
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from prune_core.base.errors import BadInput
from sweeps.search.optuna_opening import study_in
from sweeps.search.storage import in_one_line, open_storage, opened


def test_a_full_disk_is_no_fault_of_the_storage(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as raised, in_one_line(tmp_path, None):
        try:
            raise sqlite3.OperationalError("database or disk is full")
        except sqlite3.OperationalError as error:
            raise StorageInternalError("An exception is raised during the commit.") from error
    assert (raised.value.errno, raised.value.filename) == (errno.ENOSPC, str(tmp_path / "optuna.db"))


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "optuna.db").write_text("no database " * 100)
    with pytest.raises(BadInput, match="Optuna storage 'sqlite:///.*optuna.db': .*file is not a database") as raised:  # noqa: SIM117
        with in_one_line(tmp_path, None):
            open_storage(tmp_path, None)
    assert "\n" not in str(raised.value)


def test_a_password_is_not_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as raised, in_one_line(tmp_path, "postgresql://me:secret@db.lan/optuna"):
        raise ValueError("no driver")
    assert "postgresql://***@db.lan/optuna" in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "second",
    ["create table made (a)", "insert into made values (1)"],  # an OperationalError, an IntegrityError
)
def test_a_new_database_that_another_driver_makes_at_the_same_moment_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    engine = create_engine(f"sqlite:///{tmp_path / 'one.db'}")
    with engine.begin() as connection:
        connection.execute(text("create table made (a unique)"))
        connection.execute(text("insert into made values (1)"))

    def attempt() -> str:
        if not pauses:
            with engine.begin() as connection:
                connection.execute(text(second))
        return "open"

    assert opened(attempt) == "open"
    assert len(pauses) == 1


def test_what_is_wrong_with_a_database_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("it waits"))
    engine = create_engine(f"sqlite:///{tmp_path / 'one.db'}")
    with pytest.raises(OperationalError, match="no such table"), engine.begin() as connection:
        opened(lambda: connection.execute(text("select 1 from nowhere")))


def test_of_two_drivers_that_make_one_study_at_one_moment_the_second_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(tmp_path, None)
    study_in(storage, "team", "ours", "digest", [("accuracy", "max")])
    monkeypatch.setattr(optuna, "get_all_study_names", lambda storage: [])  # as it was a moment ago
    with pytest.raises(BadInput, match="study 'team' belongs to another output folder"):
        study_in(storage, "team", "theirs", "digest", [("accuracy", "max")])


def test_a_row_is_written_as_optuna_writes_it(tmp_path: Path) -> None:
    categories, numbers = CategoricalDistribution(["a", "b"]), FloatDistribution(0.1, 0.9, step=0.1)
    rows = [
        create_trial(
            state=TrialState.COMPLETE,
            values=[0.5, math.inf],
            params={"method": "b", "ratio": 0.3},
            distributions={"method": categories, "ratio": numbers},
            user_attrs={"prunefront.candidate": "a|0.3|-", "seeds": [[1.0, 2.0]]},
            system_attrs={"generation": 2},
            constraints={"accuracy >= 0.9": -0.1},
        ),
        create_trial(state=TrialState.FAIL, params={"method": "a"}, distributions={"method": categories}),
        create_trial(state=TrialState.RUNNING, user_attrs={"prunefront.candidate": "b"}),
    ]
    written = []
    for name in ("theirs", "ours"):
        folder = tmp_path / name
        folder.mkdir()
        storage = RDBStorage(f"sqlite:///{folder / 'optuna.db'}") if name == "theirs" else open_storage(folder, None)
        study = optuna.create_study(storage=storage, study_name="study", directions=["maximize", "minimize"])
        for row in rows:
            study.add_trial(row)
        written.append(_tables(folder / "optuna.db"))
    assert written[0] == written[1]
    assert {len(written[0][table]) for table in ("trials", "trial_params")} == {3}


def _tables(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        names = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
        return {name: sorted(connection.execute(f"select * from {name}"), key=repr) for name in names}
