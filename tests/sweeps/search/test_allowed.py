"""A limit on a cost that is known beforehand is kept by every proposal, whatever proposes."""

from __future__ import annotations

import optuna
import pytest

from prune_core.base.errors import BadInput
from sweeps.search import optuna_study
from sweeps.search.optuna_search import OptunaSearch
from sweeps.search.optuna_study import OptunaBooks
from sweeps.search.space import ArmSpace, Space, Span
from tests.sweeps.searching import OBJECTIVES, RATIOS, SPACE, drive, truth


@pytest.fixture(autouse=True)
def in_memory(monkeypatch):
    monkeypatch.setattr(optuna_study, "open_storage", lambda out, url: optuna.storages.InMemoryStorage())


def cost(arm, ratio):
    return {"nonzero_parameters": 1000 * (1 - float(ratio)) + 10}


def search(out, sampler, most, space=SPACE, count=None):
    books = OptunaBooks(
        "toy", out, None, space=space, objectives=OBJECTIVES, limits=[("nonzero_parameters", "<=", float(most))]
    )
    found = OptunaSearch(books, count, 0, sampler=sampler, batch=4, costs=cost)
    found.reconcile({})
    return found


@pytest.mark.parametrize("sampler", ["front_gp", "tpe", "nsga2", "random"])
def test_the_search_ends_in_one_line_when_nothing_allowed_is_left(tmp_path, sampler):
    asked = search(tmp_path, sampler, 311)
    order = drive(asked, width=4)
    assert sorted(order) == sorted(each.key for each in SPACE.candidates() if float(each.ratio) >= 0.7)
    assert all(truth(each)["nonzero_parameters"] <= 311 for each in SPACE.candidates() if each.key in order)
    assert asked.note == ("search ended after 18 of 45 candidates: all others are known to miss nonzero_parameters <= 311")


def test_a_search_that_reaches_its_number_says_nothing(tmp_path):
    asked = search(tmp_path, "tpe", 311, count=5)
    assert len(drive(asked, width=4)) == 5
    assert asked.note is None


def test_a_limit_that_nothing_keeps_is_refused_before_anything_runs(tmp_path):
    with pytest.raises(BadInput, match="every candidate of the search is known to miss nonzero_parameters <= 5"):
        search(tmp_path, "tpe", 5)


def test_of_a_continuous_space_only_what_is_allowed_is_drawn(tmp_path):
    rate = {"learning_rate": Span(1e-4, 1e-1, log=True)}
    space = Space((ArmSpace("vgg-l1", RATIOS, (2,), fine_tuning=rate),))
    for sampler in ("front_gp", "random"):
        order = drive(search(tmp_path, sampler, 311, space, 6), width=2)
        assert {key.split("|")[1] for key in order} <= {"0.7", "0.9"} and len(order) == 6
