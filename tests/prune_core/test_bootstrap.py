"""Coverage of the 95 % intervals in a world whose true values are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from prune_core.errors import BadInput
from prune_core.logits import LogitSet
from prune_core.metrics.bootstrap import (
    calibration_interval,
    gap_contributions,
    gap_sums,
    percentile_interval,
    resampled_means,
    resampling_counts,
)
from prune_core.uncertainty import intervals, paired_intervals

CLASSES, CORRUPTIONS, WORLDS = 3, ("fog", "snow"), 400
SHARPNESS = {"one": 0.55, "other": 0.8}
"""True log-odds of being right per log-odds of the confidence: 1 would be calibrated."""


class World:
    """Two networks on images of shared difficulty; corrupted pictures keep the difficulty of their image."""

    def __init__(self, images: int, seed: int) -> None:
        draw = np.random.default_rng(seed)
        shared = draw.normal(2.0, 1.2, images)
        luck = draw.random(images)
        self.labels = draw.integers(0, CLASSES, images)
        self.odds: dict[str, Any] = {}
        self.right: dict[str, Any] = {}
        for name, sharpness in SHARPNESS.items():
            own = draw.normal(0, 0.8, (1 + 5 * len(CORRUPTIONS), images))
            loss = np.concatenate([[0.0], np.tile(np.linspace(0.3, 1.5, 5), len(CORRUPTIONS))])
            odds = np.maximum(shared + own - loss[:, None], -0.5)
            # The luck of an image is shared by its pictures and by both networks: strongly dependent cells.
            right = luck + draw.normal(0, 0.05, odds.shape) < 1 / (1 + np.exp(-sharpness * odds))
            self.odds[name], self.right[name] = odds, right

    def logits(self, name: str) -> LogitSet:
        """Logits that have these odds for the predicted class, which is the label where the network is right."""
        predicted = np.where(self.right[name], self.labels, (self.labels + 1) % CLASSES)
        top = np.maximum(self.odds[name] + np.log(CLASSES - 1.0), 0.01)
        values = (top[..., None] * np.eye(CLASSES)[predicted]).astype(np.float32)
        shaped = values[1:].reshape(len(CORRUPTIONS), 5, *values.shape[1:])
        cells = dict(zip(CORRUPTIONS, shaped, strict=True))
        return LogitSet(self.labels, values[0], cells, np.arange(len(self.labels)))


def plain_ece(confidence: Any, right: Any) -> float:
    at = np.minimum(np.ceil(confidence * 15).astype(int) - 1, 14)
    return float(sum(abs((confidence - right)[at == b].sum()) for b in range(15)) / confidence.size)


def truths() -> dict[str, dict[str, float]]:
    world, found = World(200_000, 99), {}
    for name in SHARPNESS:
        top = np.maximum(world.odds[name] + np.log(CLASSES - 1.0), 0.01)
        confidence = np.exp(top) / (np.exp(top) + CLASSES - 1)
        right = world.right[name]
        by_severity = [plain_ece(confidence[1:][s::5], right[1:][s::5]) for s in range(5)]
        found[name] = {
            "accuracy": float(right[0].mean()),
            "mpc": float(right[1:].mean()),
            "rpc": float(right[1:].mean() / right[0].mean()),
            "ece": plain_ece(confidence[0], right[0]),
            "corruption_ece": float(np.mean(by_severity)),
        }
    return found


def test_coverage_of_intervals_and_of_paired_differences() -> None:
    known = truths()
    hits: dict[str, int] = {}
    independent = 0
    for seed in range(WORLDS):
        world = World(400, seed)
        one, other = world.logits("one"), world.logits("other")
        alone = intervals(one, resamples=300, seed=seed)
        paired = paired_intervals(one, other, resamples=300, seed=seed)
        for column, true in known["one"].items():
            difference = true - known["other"][column]
            hits[column] = hits.get(column, 0) + (alone[column].low <= true <= alone[column].high)
            key = f"difference of {column}"
            hits[key] = hits.get(key, 0) + (paired[column].low <= difference <= paired[column].high)
        # What treating the cells as independent would claim.
        right = world.right["one"][1:]
        half = 1.96 * np.sqrt(right.mean() * (1 - right.mean()) / right.size)
        independent += abs(right.mean() - known["one"]["mpc"]) <= half
    covered = {column: count / WORLDS for column, count in hits.items()}
    # 75 bins from 400 base images is where the method is weakest: measured 91 % at 400, 92 % at 1,000, 94 % at 2,000 images.
    assert 0.88 <= covered.pop("corruption_ece") <= 0.97
    assert all(0.93 <= share <= 0.97 for share in covered.values()), str(covered)
    assert independent / WORLDS < 0.6


@pytest.mark.parametrize("images", [300, 1000])
def test_interval_of_a_calibrated_network_holds_zero_where_the_percentile_one_does_not(images: int) -> None:
    draw = np.random.default_rng(images)
    holds = percentile_holds = 0
    for seed in range(100):
        confidence = np.clip(1 / (1 + np.exp(-draw.normal(1.5, 1.5, images))), 0.1, 1)
        correct = draw.random(images) < confidence
        at = np.clip(np.ceil(confidence * 15).astype(int) - 1, 0, 14)
        counts = resampling_counts(images, 200, seed)
        sums = gap_sums(gap_contributions(confidence, correct, at, 15), counts)
        holds += calibration_interval(sums).low == 0.0
        plain = np.abs(sums.observed + sums.noise).sum(axis=1)
        percentile_holds += percentile_interval(sums.plug_in, plain).low <= 0.0
    assert 0.93 <= holds / 100 <= 1.0
    assert percentile_holds == 0


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
    world = World(300, 5)
    logits = world.logits("one")
    counts = resampling_counts(300, 10, 0)
    cells = logits.cell_predictions()
    assert cells is not None
    at = np.ceil(cells.confidence[:, 2] * 15).astype(int) - 1
    sums = gap_sums(gap_contributions(cells.confidence[:, 2], cells.correct[:, 2], at, 15), counts)
    assert sums.plug_in == pytest.approx(plain_ece(cells.confidence[:, 2], cells.correct[:, 2]), abs=1e-12)


def test_a_pair_of_the_same_network_differs_by_nothing() -> None:
    logits = World(200, 1).logits("one")
    for interval in paired_intervals(logits, logits, resamples=50).values():
        assert interval.low <= 0.0 <= interval.high
        assert interval.high - interval.low < 1e-9 or interval.centre == 0.0


def test_pairs_need_the_same_images() -> None:
    one, other = World(50, 1).logits("one"), World(50, 2).logits("other")
    with pytest.raises(BadInput, match="different images"):
        paired_intervals(one, other)
    with pytest.raises(BadInput, match="at least 2"):
        resampling_counts(1)
