from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from sweeps.front.crossed import crossed, lattice_step


def test_one_comparison_alone_is_a_t_test():
    values = np.array([[0.011, 0.032, -0.0203, 0.0504, 0.0215]])
    found = crossed(values)
    theirs = ttest_1samp(values[0], 0)
    assert found.mean[0] / found.error[0] == pytest.approx(theirs.statistic)
    assert (found.freedom[0], found.seeds[0]) == (theirs.df, 5)


def test_equal_differences_scatter_as_much_as_the_images_behind_them():
    # By hand: one image of 1,000 in each of five seeds varies by 1/1000 (1 - 1/1000) of a step; the mean by a fifth of it.
    found = crossed(np.full((1, 5), 0.001))
    assert found.error[0] == pytest.approx(np.sqrt(0.001 * 0.999 * 0.001 / 5))
    # Ten and eleven images are ten and more, not one that scatters: with steps of one image, about ten vary.
    found = crossed(np.array([[0.010, 0.010, 0.010, 0.010, 0.011]]))
    assert found.error[0] == pytest.approx(np.sqrt(0.0102 * 0.9898 * 0.001 / 5))


def test_the_step_of_a_lattice_is_its_smallest_gap_and_rounding_is_none():
    assert lattice_step(np.array([0.9, 0.902, 0.903, 0.9 + 1e-15, np.nan])) == pytest.approx(0.001)
    assert lattice_step(np.array([0.001, 0.001, 0.001])) == pytest.approx(0.001)  # nothing smaller than what all have
    assert lattice_step(np.array([0.0, 0.0, np.nan])) == 0.0


def test_measured_numbers_count_nothing_however_few_or_close_they_are():
    stream = np.random.default_rng(4)
    assert lattice_step(0.01 + 1e-8 * stream.normal(size=3)) == 0.0
    assert lattice_step(stream.normal(size=(40, 5))) == 0.0
    assert lattice_step(np.array([0.0, 0.0, 0.0123, 0.0345, -0.0071])) == 0.0  # a network that is its own control


def test_errors_are_never_below_the_image_noise_of_the_pair():
    # The seeds agree by luck; images move their mean by .01 all the same, half of it each seed for itself.
    stream = np.random.default_rng(0)
    noise = 0.01 * stream.normal(size=(1, 5, 4000))
    found = crossed(np.array([[0.0, 1e-6, 2e-6, 1e-6, 0.0]]), noise)
    assert np.hypot(found.error[0], found.images[0]) == pytest.approx(0.01 / np.sqrt(5), rel=0.05)


def test_alike_comparisons_borrow_and_copies_of_one_do_not():
    stream = np.random.default_rng(1)
    many = stream.normal(size=(200, 5))
    assert np.median(crossed(many).freedom) > 50
    copies = np.repeat(stream.normal(size=(1, 5)), 20, axis=0)
    assert crossed(copies).freedom == pytest.approx(4, abs=0.1)  # the same five numbers twenty times over
    shared = many - stream.normal(size=(1, 5))
    assert 8 < np.median(crossed(shared).freedom) < 24  # half of each is the control's: about four times four


def test_false_claims_are_as_rare_as_stated_far_out_in_the_tail():
    # 20,000 families of eight comparisons with one control: the p-value of the first is below .001 in about .001 of them.
    stream, small = np.random.default_rng(2), 0
    for _ in range(2000):
        found = crossed(stream.normal(size=(8, 5)) - stream.normal(size=(1, 5)))
        from_t = np.abs(found.mean / found.error)
        small += int((from_t > 4.4).sum())  # t of 13 degrees of freedom: .0007
    assert small <= 1.5 * 0.001 * 2000 * 8


def test_a_collapsed_one_keeps_its_own_scatter():
    stream = np.random.default_rng(3)
    values = stream.normal(size=(20, 5)) * np.array([[20.0], *[[1.0]] * 19])
    found = crossed(values)
    assert found.error[0] >= np.sqrt(values[0].var(ddof=1) / 2 / 5) - 1e-12  # half of it at least, whatever the others say
    assert np.median(found.error[1:]) == pytest.approx(1 / np.sqrt(5), rel=0.25)


def test_missing_seeds_and_single_ones():
    found = crossed(np.array([[0.1, np.nan, 0.3], [np.nan, np.nan, np.nan], [0.2, np.nan, np.nan]]))
    assert found.seeds.tolist() == [2, 0, 1]
    assert found.mean[0] == pytest.approx(0.2)
    assert np.isnan(found.mean[1]) and np.isnan(found.error[2])
