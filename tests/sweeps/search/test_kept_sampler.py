"""A search keeps the sampler that it was begun with."""

from __future__ import annotations

import pytest

from sweeps.search.kept_sampler import with_kept_sampler
from sweeps.study.model import load_study
from sweeps.study.yaml import write_study


def begun(out, *overrides, without=()):
    plain = load_study("quickstart-search", list(overrides)).to_plain()
    for key in without:
        del plain["search"][key]
    write_study(plain, out / "study.yaml")
    return out


def test_a_new_search_has_the_new_default(tmp_path):
    assert with_kept_sampler(load_study("quickstart-search"), tmp_path).search.sampler == "front_gp"


@pytest.mark.parametrize("without", [(), ("sampler",)])
def test_a_search_that_was_begun_with_tpe_keeps_it(tmp_path, without):
    begun(tmp_path, "search.sampler=tpe", without=without)
    assert with_kept_sampler(load_study("quickstart-search"), tmp_path).search.sampler == "tpe"


def test_a_sampler_that_is_named_is_taken(tmp_path):
    begun(tmp_path, "search.sampler=tpe")
    assert with_kept_sampler(load_study("quickstart-search", ["search.sampler=nsga2"]), tmp_path).search.sampler == "nsga2"


def test_a_grid_that_becomes_a_search_was_begun_with_no_sampler(tmp_path):
    begun(tmp_path, "search.kind=grid", "search.sampler=tpe")
    assert with_kept_sampler(load_study("quickstart-search"), tmp_path).search.sampler == "front_gp"
