"""Whole reports without any true effect, and with one of the size that the plan names: a short form of the simulation.

The table is in ``docs/report.md``; here are few studies, so the bounds leave room for their number.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks import claims_null as bench
from benchmarks.claims_tables import whole_report
from benchmarks.claims_worlds import World, contrasts, simulate

STUDIES = 40


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


@pytest.mark.parametrize(
    "world",
    [World(5, 6), World(5, 4, discrete=True, images=0.5), World(6, 6, skewed=True, spread=3.0)],
    ids=["nothing", "images", "differences"],
)
def test_the_pages_of_a_report_claim_what_the_simulation_counts(world):
    # The simulation calls what the pages call, on arrays; here the same study goes through tables, answers and sentences.
    study = simulate(np.random.default_rng(1), world)
    for one in (study, bench.planted(study, world, 1)):
        counted, shown = bench.report(one, contrasts(world.candidates)), whole_report(one)
        assert counted.false == shown.false
        assert counted.found.tolist() == shown.found.tolist()
        for (who, metric, gap, _), (other, name, same, _) in zip(counted.winners, shown.winners, strict=True):
            assert (who, metric) == (other, name)
            assert (gap.mean, gap.low, gap.high) == pytest.approx((same.mean, same.low, same.high))


def test_three_seeds_claim_nothing_and_find_nothing():
    found = bench.measure(World(3, 4), 20)
    assert (found["any_false_claim"], found["power"]) == (0, 0)


@pytest.mark.parametrize("world", [World(1, 3), World(1, 1, discrete=True)])
def test_one_seed_has_no_interval_to_cover_anything(world):
    found = bench.measure(world, 2)
    nothing = {"winner_coverage": None, "winner_width_ratio": None}
    assert found == {"any_false_claim": 0, "power": 0, "studies": 2, **nothing}


@pytest.mark.parametrize("given", ["--studies 0", "--seeds 0", "--candidates 0", "--seed -1", "--images nan", "--spread -1"])
def test_settings_without_a_meaning_are_refused_in_one_line(given, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["claims_null", *given.split()])
    with pytest.raises(SystemExit) as refused:
        bench.main()
    assert refused.value.code == 2
    assert f"argument {given.split()[0]}: {given.split()[1]!r} is not allowed" in capsys.readouterr().err


def test_the_command_prints_one_object(monkeypatch, capsys):
    monkeypatch.setattr(
        sys, "argv", ["claims_null", "--studies", "2", "--seeds", "5", "--candidates", "7", "--discrete", "--json"]
    )
    bench.main()
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"any_false_claim", "winner_coverage", "winner_width_ratio", "power", "studies"}
    assert found["studies"] == 2
