"""How well the frequency of a place on the front agrees with how often the place is the true one.

The simulation and the whole table are in ``benchmarks/front_calibration.py``; here are fewer studies of fewer kinds.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from sweeps.front.image_noise import main_effect
from sweeps.front.scatter import scatter_of
from sweeps.front.shrinkage import draw_true_means

ROOT = Path(__file__).parents[3]


def _benchmark():
    spec = importlib.util.spec_from_file_location("front_calibration", ROOT / "benchmarks" / "front_calibration.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bench = _benchmark()


def test_it_is_called_a_probability_only_if_it_is_one():
    kinds = [
        {"seeds": 3, "apart": 0.1, "images": 0.0},
        {"seeds": 5, "apart": 0.3, "images": 0.5},
        {"seeds": 3, "apart": 0.3, "images": 0.5, "networks": 2},
        {"seeds": 5, "apart": 1.0, "images": 0.5},
    ]
    ours = [bench.gap_of(bench.frequencies, 20, kind) for kind in kinds]
    plain = [bench.gap_of(bench.plain, 20, kind) for kind in kinds]
    assert max(ours) <= 0.12
    assert np.mean(ours) < 0.6 * np.mean(plain)  # resampling around the observed means scatters twice
    page = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "dashboards/report/templates").glob("*.html"))
    assert "requency, not the probability" in page or max(ours) <= 0.05


def test_what_differs_by_more_than_the_noise_is_not_pulled_and_what_does_not_is():
    stream = np.random.default_rng(0)
    noises = (stream.standard_normal((2000, 8)), stream.standard_normal((2000, 8)), stream.random((2000, 8)))
    error, place, arm = np.full(8, 0.01), np.zeros(8), np.arange(8)
    far = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    drawn = draw_true_means(far, error, place, arm, noises)
    assert drawn.mean(axis=0) == pytest.approx(far, abs=0.01)
    assert drawn.std(axis=0) == pytest.approx(0.01, rel=0.2)
    near = 0.5 + 0.01 * stream.standard_normal(8)
    drawn = draw_true_means(near, error, place, arm, noises)
    assert np.ptp(drawn.mean(axis=0)) < 0.5 * np.ptp(near)


def test_without_noise_nothing_is_drawn():
    noises = (np.ones((3, 2)), np.ones((3, 2)), np.full((3, 2), 0.5))
    drawn = draw_true_means(np.array([0.4, 0.6]), np.zeros(2), np.zeros(2), np.arange(2), noises)
    assert (drawn == [0.4, 0.6]).all()


def test_images_count_once_whatever_is_in_the_seeds_already():
    # Analysis of variance by hand: what is common to the seeds has variance 4, what is each seed's own 1.
    stream = np.random.default_rng(1)
    common, own = 2.0 * stream.normal(size=(1, 1, 200_000)), stream.normal(size=(1, 5, 200_000))
    assert main_effect(common + own)[0] == pytest.approx(4.0, rel=0.02)
    assert main_effect(own)[0] == pytest.approx(0.0, abs=0.01)
    assert main_effect(own[:, :1])[0] == pytest.approx(1.0, rel=0.02)


def test_the_error_of_a_candidate_is_that_of_its_own_noise():
    # Seeds share a large effect that must not count; the own noise has deviation .01 over 6 seeds.
    stream = np.random.default_rng(2)
    shared = stream.normal(0, 1.0, (1, 6, 1))
    values = shared + stream.normal(0, 0.01, (60, 6, 1))
    found = scatter_of(values, np.full(60, "net"), [False]).error[:, 0]
    assert np.sqrt((found**2).mean()) == pytest.approx(0.01 / np.sqrt(6), rel=0.1)
    fixed = np.broadcast_to(np.arange(3.0)[:, None, None], (3, 6, 1))
    assert (scatter_of(fixed, np.full(3, "net"), [True]).error == 0).all()
