"""Whole reports without any true effect, and with one of the size that the plan names: a short form of the simulation.

The table is in ``docs/report.md``; here are few studies, so the bounds leave room for their number.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from scipy.stats import binom

ROOT = Path(__file__).parents[3]


def _benchmark():
    spec = importlib.util.spec_from_file_location("claims_null", ROOT / "benchmarks" / "claims_null.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bench = _benchmark()
STUDIES = 60


@pytest.mark.parametrize(
    "world",
    [
        bench.World(5, 8),
        bench.World(5, 32, discrete=True),
        bench.World(5, 8, skewed=True),
        bench.World(5, 8, images=0.5),
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
    found = bench.measure(bench.World(3, 4), 20)
    assert (found["any_false_claim"], found["power"]) == (0, 0)


def test_the_command_prints_one_object(monkeypatch, capsys):
    monkeypatch.setattr(
        sys, "argv", ["claims_null", "--studies", "2", "--seeds", "5", "--candidates", "7", "--discrete", "--json"]
    )
    bench.main()
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"any_false_claim", "winner_coverage", "winner_width_ratio", "power", "studies"}
    assert found["studies"] == 2
