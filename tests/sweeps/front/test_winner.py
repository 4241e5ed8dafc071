from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm, t, truncnorm

from sweeps.front.winner import Winner, winner


@pytest.mark.parametrize("freedom", [1, 1.3, 2, 7])  # 1: two seeds, with tails as wide as can be
@pytest.mark.parametrize("among", [1, 20])
def test_without_luck_it_is_a_t_interval(freedom, among):
    one = Winner(0.3, 0.1, freedom, -np.inf, np.inf, among)
    assert one.interval() == pytest.approx(t.interval(0.95, freedom, 0.3, 0.1), abs=1e-6)
    assert one.chance() == pytest.approx(2 * t.sf(3, freedom), rel=1e-4)
    assert one.middle() == pytest.approx(0.3, abs=1e-6)


def test_with_a_known_variance_it_is_the_hybrid_of_andrews_kitagawa_and_mccloskey():
    # By scipy: observed 2, chosen because it is above 1.5; the true number is never further than the bound for all ten.
    spent, among = 0.005, 10
    bound, rest = norm.isf(spent / 2 / among), (0.05 - spent) / (1 - spent)

    def share(true):
        low, high = max(1.5, true - bound), true + bound
        return truncnorm.cdf(2.0, low - true, high - true, loc=true)

    ends = [
        brentq(lambda true, at=at: share(true) - at, 2 - bound + 1e-6, 2 + bound - 1e-6) for at in (1 - rest / 2, rest / 2)
    ]
    assert Winner(2.0, 1.0, 1e6, -0.5, np.inf, among).interval() == pytest.approx(ends, abs=1e-3)


@pytest.mark.parametrize(("freedom", "among"), [(1, 1), (1, 8), (4, 1)])
def test_a_choice_by_a_hair_leaves_the_interval_that_holds_for_all(freedom, among):
    # little is known from below; also one alone may have met a demand by luck
    low, high = Winner(1.0, 1.0, freedom, -0.2, np.inf, among).interval()
    spent = 0.05 * (0.5 if freedom == 1 else 0.25)
    bound = t.isf(spent / 2 / among, freedom)
    assert 1.0 - bound - 1e-6 <= low < 1.0 < high <= 1.0 + bound


def test_the_further_ahead_the_less_is_taken_off():
    ends = [Winner(1.0, 0.2, 20, floor, np.inf, 8).interval() for floor in (-0.1, -1.0, -3.0, -8.0)]
    assert [low for low, _ in ends] == sorted(low for low, _ in ends)
    assert ends[-1] == pytest.approx(t.interval(0.95, 20, 1.0, 0.2), abs=0.05)
    assert Winner(1.0, 0.2, 20, -0.5, np.inf, 8).middle() < 1.0


def test_p_value_and_interval_agree():
    one = Winner(1.0, 0.4, 9, -0.7, np.inf, 6)
    low, high = one.interval()
    assert one.chance(low) == pytest.approx(0.05, rel=1e-3)
    assert one.chance(high) == pytest.approx(0.05, rel=1e-3)
    assert one.chance(low - 0.1) < 0.05 < one.chance(low + 0.1)


def test_selection_on_other_luck_takes_nothing_off():
    stream = np.random.default_rng(0)
    values, selection = stream.normal(size=(40, 30)), stream.normal(size=(40, 30))
    at = int(selection.mean(axis=1).argmax())
    low, high = winner(values, selection, at).interval()
    alone = winner(values, None, at)
    assert (low, high) == pytest.approx(alone.interval(), abs=0.15 * (high - low))
    same = winner(selection, selection, at)
    assert same.middle() < same.mean


@pytest.mark.parametrize(("seeds", "candidates"), [(3, 8), (5, 32), (10, 8)])
def test_the_interval_of_the_best_of_equals_covers_as_often_as_it_says(seeds, candidates):
    # The usual interval covers the truth in .92, .80 and .88 here.
    stream, held, studies = np.random.default_rng(5), 0, 300
    for _ in range(studies):
        values = stream.normal(size=(candidates, seeds)) - stream.normal(size=(1, seeds))
        at = int(values.mean(axis=1).argmax())
        low, high = winner(values, values, at).interval()
        held += low <= 0 <= high
    assert 0.92 <= held / studies <= 0.985


def test_a_tie_of_counted_images_is_no_luck():
    # Both selection means are equal, and neither tells of the other numbers: nothing to correct, and no empty interval.
    selection = np.array([[0.9, 0.902, 0.901, 0.9], [0.902, 0.9, 0.9, 0.901], [0.899, 0.9, 0.898, 0.9]])
    values = np.array([[0.001, 0.0, 0.002, 0.001], [0.0, 0.001, 0.001, 0.0], [0.001, 0.0, 0.0, 0.001]])
    low, high = winner(values, selection, 0).interval()
    assert low < values[0].mean() < high


def test_the_best_of_two_networks_whose_seeds_have_luck_of_their_own():
    # Baselines scatter five times as much as what pruning adds, and the chosen one's difference shares its control's luck.
    stream, held, studies = np.random.default_rng(6), 0, 200
    network = np.repeat([0, 1], 4)
    for _ in range(studies):
        base = 5 * stream.normal(size=(2, 5))
        values = base[network] + stream.normal(size=(8, 5))
        differences = values - (base + stream.normal(size=(2, 5)))[network]
        at = int(values.mean(axis=1).argmax())
        low, high = winner(differences, values, at, networks=network.astype(str)).interval()
        held += low <= 0 <= high
    assert 0.91 <= held / studies <= 0.99


def test_a_network_under_two_names_is_no_rival_of_itself():
    stream = np.random.default_rng(1)
    values = np.vstack([stream.normal(0.9, 0.01, (1, 5)), stream.normal(0.8, 0.01, (3, 5))])
    twice = np.vstack([values[:1], values])
    low, high = winner(twice, twice, 0).interval()
    assert low < values[0].mean() < high  # it had no width, and lay beside the mean
    # the third is as many scatters away as the second was: nearly the interval of the study without the copy
    assert high - low == pytest.approx(np.diff(winner(values, values, 0).interval())[0], rel=0.25)


def test_the_only_one_that_met_a_demand_has_an_interval_with_ends():
    # Just met, so what is left of the distribution is its tail; alone, it is at most as far off as one candidate ever is.
    one = Winner(0.0, 0.01, 2, -0.02, np.inf, 1)
    low, high = one.interval()
    assert -0.01 * t.isf(0.025 / 4, 2) <= low < 0 < high < 0.01 * t.isf(0.025 / 4, 2)
    stream, held, kept = np.random.default_rng(3), 0, 0
    while kept < 400:
        values = stream.normal(0.0, 1.0, (1, 5))
        if values.mean() < 0.3:  # demanded, and missed by the truth, which is 0
            continue
        low, high = winner(values, None, 0, demands=[(values, 0.3, True)]).interval()
        held, kept = held + (low <= 0 <= high), kept + 1
    assert held / kept >= 0.92
