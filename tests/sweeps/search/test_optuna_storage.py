"""Optuna's database: what it holds, how it is read again, and what happens when it cannot be written."""

from __future__ import annotations

import math
import sqlite3
import sys
from contextlib import closing
from io import BytesIO
from wsgiref.util import setup_testing_defaults

import optuna
import pytest
from optuna.trial import TrialState

from prune_core.base.errors import BadInput
from sweeps.search.optuna_search import OptunaSearch
from sweeps.search.optuna_study import OptunaBooks
from sweeps.search.search import ArmSpace, GridSearch, Space
from sweeps.search.space import KEY
from tests.sweeps.searching import OBJECTIVES, SPACE, books, drive, truth


def test_what_optuna_holds_is_what_was_told(out):
    record = books(out, limits=[("val_accuracy", ">=", 0.9), ("val_ece", "<=", 0.05)])
    search = OptunaSearch(record, 1, 0)
    (candidate,) = search.next(1)
    search.tell(candidate, {"val_accuracy": 0.8, "nonzero_parameters": 5.0, "val_ece": 0.02, "other": math.nan})
    study = optuna.load_study(study_name="toy", storage=f"sqlite:///{out / 'optuna.db'}")
    (trial,) = study.trials
    assert trial.values == [0.8, 5.0]
    assert study.metric_names == ["val_accuracy", "nonzero_parameters"]
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert trial.constraints == {"val_accuracy >= 0.9": pytest.approx(0.1), "val_ece <= 0.05": pytest.approx(-0.03)}
    assert trial.params["arm"] == candidate.arm
    assert trial.params["ratio"] == pytest.approx(float(candidate.ratio))
    assert trial.params["tuning epochs"] == candidate.budget  # last by name: optuna-dashboard takes a 0 for missing
    assert books(out).rows()[0].params.keys() == {"arm", "ratio", "budget"}  # what samplers are told


def test_reconciling_twice_changes_nothing(out):
    known = {candidate.key: truth(candidate) for candidate in list(SPACE.candidates())[:8]}
    for _ in range(2):
        OptunaSearch(books(out), None, 0).reconcile(known)
    assert len(books(out).rows()) == 8


def test_a_failed_candidate_that_later_succeeds_has_one_complete_row(out):
    record = books(out)
    candidate = next(SPACE.candidates())
    record.close_row(candidate, None)
    books(out).reconcile({candidate.key: truth(candidate)}, taken_up=())
    books(out).reconcile({candidate.key: truth(candidate)}, taken_up=())
    assert [row.state for row in books(out).rows()] == [TrialState.FAIL, TrialState.COMPLETE]


def test_a_changed_space_makes_the_study_anew_from_what_is_known(out):
    known = {candidate.key: truth(candidate) for candidate in list(SPACE.candidates())[:5]}
    OptunaSearch(books(out), None, 0).reconcile(known)
    wider = Space((*SPACE.arms, ArmSpace("new-l1", ("0.5",), (0,))))
    record = books(out, wider)
    OptunaSearch(record, None, 0).reconcile(known)
    assert len(record.rows()) == 5
    assert optuna.get_all_study_names(storage=f"sqlite:///{out / 'optuna.db'}") == ["toy"]


def test_two_folders_do_not_merge_in_one_database(out, tmp_path_factory):
    storage = f"sqlite:///{out / 'optuna.db'}"
    books(out)
    with pytest.raises(BadInput, match="another output folder"):
        OptunaBooks("toy", tmp_path_factory.mktemp("other"), storage, space=SPACE, objectives=OBJECTIVES)


def test_a_storage_that_cannot_be_opened_is_one_line(tmp_path):
    for url in ("nonsense", f"sqlite:///{tmp_path}/no/such/folder/optuna.db"):
        with pytest.raises(BadInput) as caught:
            OptunaBooks("toy", tmp_path, url, space=SPACE, objectives=OBJECTIVES)
        assert "\n" not in str(caught.value)


def test_a_password_is_not_printed(tmp_path):
    url = "postgresql+psycopg://me:secret@127.0.0.1:9/db"
    with pytest.raises(BadInput, match=r"://\*\*\*@127") as caught:
        OptunaBooks("toy", tmp_path, url, space=SPACE, objectives=OBJECTIVES)
    assert "secret" not in str(caught.value)


def test_the_grid_is_written_down_too(out):
    grid = GridSearch(SPACE.candidates(), books(out))
    grid.reconcile({})
    first, second, third = grid.next(3)
    grid.tell(first, truth(first))
    grid.tell(second, None, "failed")
    again = GridSearch(SPACE.candidates(), books(out))
    again.reconcile({first.key: truth(first), second.key: None})
    assert again.next(1) == [third]
    states = {row.user_attrs[KEY]: row.state.name for row in books(out).rows()}
    assert states == {first.key: "COMPLETE", second.key: "FAIL"}


def test_a_storage_that_fails_does_not_end_a_grid(out):
    record = books(out)
    grid = GridSearch(SPACE.candidates(), record)
    first, second = grid.next(2)
    grid.tell(first, truth(first))
    assert grid.problem is None
    with closing(sqlite3.connect(out / "optuna.db")) as connection:
        connection.execute("drop table trial_values")
    grid.tell(second, truth(second))
    assert grid.problem and "\n" not in grid.problem
    assert len(grid.next(3)) == 3


def test_a_storage_that_fails_ends_a_search_with_one_line(out, monkeypatch):
    monkeypatch.setattr("sweeps.search.optuna_search.PAUSE", 0.0)
    search = OptunaSearch(books(out), 8, 0)
    (candidate,) = search.next(1)
    with closing(sqlite3.connect(out / "optuna.db")) as connection:
        connection.execute("drop table trial_values")
    with pytest.raises(ConnectionError, match="run the same command again") as caught:
        search.tell(candidate, truth(candidate))
    assert "\n" not in str(caught.value)


def test_the_dashboard_reads_our_file(out):
    drive(OptunaSearch(books(out), 5, 0))
    dashboard = pytest.importorskip("optuna_dashboard")

    app = dashboard.wsgi(f"sqlite:///{out / 'optuna.db'}")
    collected: list[str] = []
    environ = {"PATH_INFO": "/api/studies", "wsgi.input": BytesIO(), "wsgi.errors": sys.stderr}
    setup_testing_defaults(environ)
    body = b"".join(app(environ, lambda status, headers, error=None: collected.append(status)))
    assert collected[0].startswith("200") and b'"toy"' in body
