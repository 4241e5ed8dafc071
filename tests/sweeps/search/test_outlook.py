"""What the search expects is written down, and ends it where the study says so."""

from __future__ import annotations

import optuna
import pytest

from prune_core.base.errors import BadInput
from prune_core.base.files import read_json
from sweeps.folder.paths import OUTLOOK
from sweeps.search import optuna_study
from sweeps.search.optuna_search import OptunaSearch
from sweeps.search.optuna_study import OptunaBooks
from sweeps.search.outlook import outlook_lines
from sweeps.study.model import load_study
from tests.sweeps.searching import OBJECTIVES, SPACE, drive


@pytest.fixture(autouse=True)
def in_memory(monkeypatch):
    monkeypatch.setattr(optuna_study, "open_storage", lambda out, url: optuna.storages.InMemoryStorage())


def search(out, count, **more):
    books = OptunaBooks("toy", out, None, space=SPACE, objectives=OBJECTIVES)
    found = OptunaSearch(books, count, 0, batch=4, costs=lambda arm, ratio: {}, **more)
    found.reconcile({})
    return found


def lines(out, *overrides):
    return outlook_lines(load_study("quickstart-search", list(overrides)).search, out)


def test_what_is_expected_is_in_the_folder_in_the_lines_and_at_the_trials(tmp_path):
    asked = search(tmp_path, 8)
    drive(asked, width=4)
    found = read_json(tmp_path / OUTLOOK)
    assert 0 <= found["low"] <= found["expected_gain"] <= found["high"] < 1 and found["told"] == 4
    assert (
        all(one["candidate"].count("|") == 2 and 0 <= one["probability"] <= 1 for one in found["front"]) and found["front"]
    )
    assert lines(tmp_path)[0].startswith("  expected   by the model after 4 candidates")
    assert "front_gp:outlook" in asked._books.rows()[-1].system_attrs
    assert lines(tmp_path, "search.kind=grid") == []


def test_a_rule_ends_the_search_between_two_batches_and_again_when_it_is_run_again(tmp_path):
    order = drive(search(tmp_path, 40, until=0.5), width=4)
    assert 4 <= len(order) < 40 and len(order) % 4 == 0
    assert read_json(tmp_path / OUTLOOK)["ended"]
    assert drive(search(tmp_path, 40, until=0.5), width=4) == order
    assert lines(tmp_path, "search.until={expected_gain: 0.5}")[-1].endswith("fixed beforehand: ended by it")


def test_a_sampler_that_expects_nothing_cannot_end_a_search(tmp_path):
    with pytest.raises(BadInput, match="sampler 'random' does not estimate what is left to gain"):
        search(tmp_path, 8, until=0.1, sampler="random").next(1)


def test_only_a_search_by_optuna_can_be_ended_so():
    with pytest.raises(BadInput, match="search.until: only a search by Optuna"):
        load_study("quickstart", ["search.until={expected_gain: 0.1}"])
