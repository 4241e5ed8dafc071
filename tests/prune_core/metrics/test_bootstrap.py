"""Resampling of base images, and what intervals are made of, against loops and other libraries."""

from __future__ import annotations

import numpy as np
import pytest

from prune_core.base.errors import BadInput
from prune_core.evaluation.logits import LogitSet
from prune_core.evaluation.uncertainty import intervals, paired_intervals
from prune_core.metrics import assign_bins
from prune_core.metrics.bootstrap import percentile_interval, resampled_means, resampling_counts
from prune_core.metrics.calibration_interval import gap_contributions, gap_sums


def network(images: int, seed: int) -> LogitSet:
    """Made-up answers to images of three classes, clean and under two corruptions."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 3, images)
    right = np.eye(3)[labels]
    cells = {name: right + draw.normal(0, 1, (5, images, 3)) for name in ("fog", "snow")}
    return LogitSet(labels, right + draw.normal(0, 1, (images, 3)), cells, np.arange(images))


def test_counts_are_draws_with_replacement_and_the_same_for_the_same_seed() -> None:
    counts = resampling_counts(50, 2000, seed=3)
    assert (counts.sum(axis=1) == 50).all()
    assert (counts >= 0).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(50), abs=0.15)
    assert counts.var() == pytest.approx(1 - 1 / 50, rel=0.05)  # multinomial: p (1 - p) n
    assert np.array_equal(counts, resampling_counts(50, 2000, seed=3))
    assert not np.array_equal(counts, resampling_counts(50, 2000, seed=4))


def test_mean_of_resamples_is_what_a_loop_computes() -> None:
    draw = np.random.default_rng(0)
    values, counts = draw.random((20, 3)), resampling_counts(20, 10, 1)
    expected = [np.repeat(values, row.astype(int), axis=0).mean(axis=0) for row in counts]
    assert resampled_means(values, counts) == pytest.approx(np.array(expected))
    assert resampled_means(values[:, 0], counts) == pytest.approx(np.array(expected)[:, 0])


def test_interval_of_a_mean_agrees_with_scipy() -> None:
    from scipy.stats import bootstrap

    values = np.random.default_rng(1).gamma(2.0, size=300)
    theirs = bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(2))
    ours = percentile_interval(values.mean(), resampled_means(values, resampling_counts(300, 4000, 0)))
    assert [ours.low, ours.high] == pytest.approx(list(theirs.confidence_interval), abs=0.02)


def test_gaps_sum_up_to_the_pooled_ece() -> None:
    logits = network(300, 5)
    cells = logits.cell_predictions()
    assert cells is not None
    confidence, correct = cells.confidence[:, 2], cells.correct[:, 2]
    at = assign_bins(confidence.ravel(), 15).reshape(confidence.shape)
    sums = gap_sums(gap_contributions(confidence, correct, at, 15), resampling_counts(300, 10, 0))
    by_hand = sum(abs((confidence - correct)[at == b].sum()) for b in range(15)) / confidence.size
    assert sums.plug_in == pytest.approx(by_hand, abs=1e-12)


def test_every_ece_has_an_interval_around_its_bias_corrected_value() -> None:
    logits = network(400, 3)
    found = intervals(logits, resamples=200)
    assert {"ece", "ece_mass", "ece_debiased", "corruption_ece", "corruption_ece_s1"} <= set(found)
    assert found["ece_debiased"] == found["ece"], "both estimate the same"
    assert found["ece_mass"] != found["ece"]
    for name in ("ece", "ece_mass", "corruption_ece"):
        assert 0 <= found[name].low <= found[name].centre <= found[name].high <= 1


def test_a_pair_of_the_same_network_differs_by_nothing() -> None:
    logits = network(200, 1)
    for interval in paired_intervals(logits, logits, resamples=50).values():
        assert interval.low <= 0.0 <= interval.high
        assert interval.high - interval.low < 1e-9 or interval.centre == 0.0


def test_pairs_need_the_same_images() -> None:
    one, other = network(50, 1), network(50, 2)
    with pytest.raises(BadInput, match="different images"):
        paired_intervals(one, other)
    with pytest.raises(BadInput, match="at least 2"):
        resampling_counts(1)
