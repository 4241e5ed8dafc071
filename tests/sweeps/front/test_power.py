from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import nct, t, ttest_1samp

from sweeps.front.claim_levels import LEVEL, SHARES
from sweeps.front.power import detectable, family_freedom, smallest_difference


@pytest.mark.parametrize(
    ("seeds", "level", "deviations"),
    [(3, 0.05, 3.3), (5, 0.05, 1.7), (3, 0.05 / 20, 14.7), (5, 0.05 / 20, 3.8), (10, 0.05 / 20, 1.6)],
)
def test_published_sizes(seeds, level, deviations):
    assert detectable(seeds, level) == pytest.approx(deviations, abs=0.06)


def test_the_size_has_the_power_by_scipy_and_by_simulation():
    size = detectable(5, 0.01)
    assert nct.sf(t.isf(0.005, 4), 4, size * math.sqrt(5)) == pytest.approx(0.8, abs=1e-6)
    found = ttest_1samp(np.random.default_rng(0).normal(size, 1, size=(20_000, 5)), 0, axis=1).pvalue < 0.01
    assert found.mean() == pytest.approx(0.8, abs=0.01)


def test_fewer_than_five_seeds_find_nothing_and_each_further_one_something():
    assert smallest_difference(4, 8, 0.01) == math.inf
    sizes = [smallest_difference(seeds, 8, 0.01) for seeds in range(5, 12)]
    assert sizes == sorted(sizes, reverse=True)
    assert smallest_difference(5, 8, 0.01, primary=1) < sizes[0]
    assert smallest_difference(5, 8, 0.01, images=0.01) > sizes[0]


def test_candidates_that_share_a_control_bring_four_times_its_freedom_at_most():
    assert family_freedom(5, 1) == 4
    assert 4 < family_freedom(5, 2) < family_freedom(5, 64) < 16


def test_a_report_spends_less_than_its_level():
    assert LEVEL * sum(SHARES.values()) <= LEVEL
