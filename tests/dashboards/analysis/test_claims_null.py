"""Whole reports without any true effect, and with one of the size that the plan names: a short form of the simulation.

The table is in ``docs/report.md``; here are few studies, so the bounds leave room for their number.
"""

from __future__ import annotations

import json
import sys

import pytest
from scipy.stats import binom

from benchmarks import claims_null as bench
from benchmarks.claims_worlds import World

STUDIES = 60


@pytest.mark.parametrize(
    "world",
    [
        World(5, 8),
        World(5, 32, discrete=True),
        World(5, 8, skewed=True),
        World(5, 8, images=0.5),
    ],
    ids=["normal", "discrete", "skewed", "images"],
)
def test_reports_of_nothing_seldom_claim_anything_and_find_what_is_there(world):
    found = bench.measure(world, STUDIES)
    assert found["any_false_claim"] * STUDIES <= binom.ppf(0.999, STUDIES, 0.05)
    assert 2 * STUDIES * 2 * (1 - found["winner_coverage"]) <= 2 * binom.ppf(0.999, 2 * STUDIES, 0.05)
    assert found["winner_width_ratio"] <= 1.5
    assert found["power"] >= 0.65


def test_three_seeds_claim_nothing_and_find_nothing():
    found = bench.measure(World(3, 4), 20)
    assert (found["any_false_claim"], found["power"]) == (0, 0)


def test_the_command_prints_one_object(monkeypatch, capsys):
    monkeypatch.setattr(
        sys, "argv", ["claims_null", "--studies", "2", "--seeds", "5", "--candidates", "7", "--discrete", "--json"]
    )
    bench.main()
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"any_false_claim", "winner_coverage", "winner_width_ratio", "power", "studies"}
    assert found["studies"] == 2
