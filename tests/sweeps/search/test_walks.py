"""What a sampler is shown of candidates that walk: what each budget measured, and the ends, which alone make a front."""

from __future__ import annotations

import optuna
import pytest

from sweeps.search import optuna_study
from sweeps.search.measured import Measured
from sweeps.search.optuna_search import OptunaSearch
from sweeps.search.optuna_study import OptunaBooks
from sweeps.search.space import ArmSpace, Candidate, Space
from sweeps.search.walks import SHORTER, Walks

SPACE = Space((ArmSpace("net-l1", ("0.3", "0.5", "0.7"), walks=(0, 2, 5)),))
OBJECTIVES = [("val_accuracy", "max"), ("parameters", "min")]


def measured(accuracy: float) -> Measured:
    return Measured(
        {"val_accuracy": accuracy, "parameters": 7.0},
        {"val_accuracy": (accuracy - 0.1, accuracy + 0.1), "parameters": (7.0, 7.0)},
    )


@pytest.fixture
def books(tmp_path, monkeypatch):
    monkeypatch.setattr(optuna_study, "open_storage", lambda out, url: optuna.storages.InMemoryStorage())
    monkeypatch.setattr(optuna.storages.InMemoryStorage, "note", lambda *_: None, raising=False)
    return OptunaBooks("toy", tmp_path, None, space=SPACE, objectives=OBJECTIVES)


def shown(books):
    walked = SPACE.walked()
    assert walked is not None
    walks = Walks(walked)
    points = [point for row in books.rows() for point in walks.points(row)]
    return [(point.params["ratio"], point.params["budget"], point.state.name, point.values) for point in points], points


def test_a_stopped_candidate_teaches_what_it_measured_and_is_not_proposed_again(books) -> None:
    whole, stopped = Candidate("net-l1", "0.3"), Candidate("net-l1", "0.5")
    at_end = measured(0.9)
    at_end.along = {0: measured(0.7), 2: measured(0.8)}
    at_stop = measured(0.6)
    at_stop.along, at_stop.stopped = {0: measured(0.5), 2: at_stop}, True
    books.open_row(whole, asked=0)
    books.close_row(whole, at_end)
    books.open_row(stopped, asked=1)
    books.close_row(stopped, at_stop, stopped=True)
    books.open_row(Candidate("net-l1", "0.7"), asked=2)
    found, points = shown(books)
    assert found == [
        (0.3, 0, "COMPLETE", [0.7, 7.0]),
        (0.3, 2, "COMPLETE", [0.8, 7.0]),
        (0.3, 5, "COMPLETE", [0.9, 7.0]),
        (0.5, 0, "COMPLETE", [0.5, 7.0]),
        (0.5, 2, "COMPLETE", [0.6, 7.0]),
        (0.5, 5, "FAIL", None),
        (0.7, 5, "RUNNING", None),
    ]
    assert [point.constraints.get(SHORTER) for point in points] == [1.0, 1.0, None, 1.0, 1.0, None, None]
    assert points[4].user_attrs["prunefront.seeds"] == [[pytest.approx(0.5), 7.0], [pytest.approx(0.7), 7.0]]


def test_a_search_goes_on_from_stopped_candidates(books) -> None:
    search = OptunaSearch(books, 3, 0, batch=2, together=True, costs=lambda arm, ratio: {"parameters": 10 * float(ratio)})
    search.reconcile({})
    first = search.next(2)
    for candidate in first:
        value = measured(float(candidate.ratio))
        value.along, value.stopped = {0: value}, True
        search.tell(candidate, value, "stopped")
    (last,) = search.next(2)
    assert {one.key for one in [*first, last]} == {f"net-l1|{ratio}|-" for ratio in ("0.3", "0.5", "0.7")}
