"""ECE against the definition by hand, against other libraries where they are right, and where they are wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prune_core.base.errors import BadInput, Diverged
from prune_core.metrics import Predictions, assign_bins, calibration_error, confidence_gap, ece, reliability, softmax
from prune_core.metrics.binning import bin_sums
from prune_core.metrics.calibration import debiased_error, folded_normal_mean


def binary(*groups: tuple[float, int, int]) -> tuple[Any, Any]:
    """Probabilities and labels of groups (confidence of class 0, images, of them right)."""
    confidence = np.concatenate([np.full(count, value) for value, count, _ in groups])
    labels = np.concatenate([np.arange(count) >= right for _, count, right in groups]).astype(int)
    return np.stack([confidence, 1 - confidence], axis=1), labels


def drawn(images: int, classes: int = 10, seed: int = 0) -> tuple[Any, Any]:
    """An overconfident ten-class network: float64 probabilities."""
    draw = np.random.default_rng(seed)
    logits = draw.normal(0, 2, (images, classes))
    labels = np.array([draw.choice(classes, p=row) for row in softmax(logits / 1.7)])
    return softmax(logits), labels


HAND = [
    # (groups, bins, binning, expected)
    (((0.95, 100, 100), (1.0, 100, 50)), 15, "equal_width", 0.225),  # torchmetrics and torch-uncertainty: .275
    (((0.95, 100, 100), (1.0, 100, 50)), 15, "equal_mass", (5 + 50) / 200),  # two groups of ties
    (((0.8, 50, 40),), 15, "equal_width", 0.0),
    (((0.8, 50, 40),), 10, "equal_mass", 0.0),  # one tie, although split into ten groups
    (((0.9, 50, 20),), 7, "equal_width", 0.5),
    (((0.9, 50, 20),), 7, "equal_mass", 0.5),
    (((0.7, 10, 10), (0.75, 10, 0)), 10, "equal_width", (3 + 7.5) / 20),  # .7 belongs to (.6, .7]
    (((0.7, 10, 10), (0.75, 10, 0)), 5, "equal_width", abs(14.5 - 10) / 20),  # (.6, .8] holds both
    (((0.6, 4, 4), (0.8, 2, 1)), 2, "equal_mass", (4 * 0.4 + 2 * 0.3) / 6),  # tie of 4 stays in the first group of 3
]


@pytest.mark.parametrize(("groups", "bins", "binning", "expected"), HAND)
def test_by_hand(groups: Any, bins: int, binning: str, expected: float) -> None:
    probabilities, labels = binary(*groups)
    assert calibration_error(probabilities, labels, bins=bins, binning=binning) == pytest.approx(expected, abs=1e-12)


def test_edges_are_closed_on_the_right() -> None:
    tenths = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    assert assign_bins(tenths, 10).tolist() == list(range(10))
    assert assign_bins(np.nextafter(tenths[:-1], 2), 10).tolist() == list(range(1, 10))
    assert assign_bins(np.array([0.0]), 10).tolist() == [0]


def test_equal_mass_groups_are_array_split_and_ties_move_to_the_first() -> None:
    assert assign_bins(np.array([0.5, 0.1, 0.4, 0.2, 0.3]), 2, "equal_mass").tolist() == [1, 0, 1, 0, 0]
    # Sorted .1 .2 .2 .2 .9 in groups of 2, 2, 1: the tie starts in the first group and all of it goes there.
    assert assign_bins(np.array([0.2, 0.9, 0.2, 0.1, 0.2]), 3, "equal_mass").tolist() == [0, 2, 0, 0, 0]


@pytest.mark.parametrize("bins", [10, 15])
def test_agrees_with_torchmetrics_where_no_confidence_is_on_an_edge(bins: int) -> None:
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchmetrics.functional.classification")
    probabilities, labels = drawn(3000)
    theirs = functional.multiclass_calibration_error(
        torch.tensor(probabilities), torch.tensor(labels), num_classes=10, n_bins=bins, norm="l1"
    )
    assert calibration_error(probabilities, labels, bins=bins) == pytest.approx(float(theirs), abs=1e-6)


@pytest.mark.parametrize(("binning", "equal_intervals"), [("equal_width", True), ("equal_mass", False)])
def test_agrees_with_netcal_without_ties(binning: str, equal_intervals: bool) -> None:
    netcal = pytest.importorskip("netcal.metrics")
    probabilities, labels = drawn(3000, seed=1)
    theirs = netcal.ECE(bins=10, equal_intervals=equal_intervals).measure(probabilities, labels)
    ours = calibration_error(probabilities, labels, bins=10, binning=binning)
    # Its equal-mass borders lie between other neighbours: a few images of 3,000 may sit one group further.
    assert ours == pytest.approx(float(theirs), abs=1e-6 if equal_intervals else 2e-3)


confidences = st.lists(st.tuples(st.floats(0.5, 1.0), st.booleans()), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(confidences, st.integers(1, 20), st.sampled_from(["equal_width", "equal_mass"]), st.randoms())
def test_properties(images: list[tuple[float, bool]], bins: int, binning: str, random: Any) -> None:
    def error(pairs: list[tuple[float, bool]], count: int = bins) -> float:
        confidence = np.array([value for value, _ in pairs])
        # Class 0 wins ties at .5, and label 0 means right.
        labels = np.array([0 if right else 1 for _, right in pairs])
        return calibration_error(np.stack([confidence, 1 - confidence], 1), labels, bins=count, binning=binning)

    value = error(images)
    assert 0.0 <= value <= 1.0
    shuffled = list(images)
    random.shuffle(shuffled)
    assert error(shuffled) == pytest.approx(value, abs=1e-12)
    gap = abs(np.mean([c for c, _ in images]) - np.mean([r for _, r in images]))
    assert error(images, 1) == pytest.approx(gap, abs=1e-12)
    assert value >= gap - 1e-12
    if binning == "equal_width":  # merging bins can only cancel gaps
        assert error(images, 2 * bins) >= value - 1e-12
    assert error(images + images) == pytest.approx(value, abs=1e-12) or binning == "equal_mass"


def test_plug_in_bias_of_a_calibrated_network_and_what_the_debiased_one_removes() -> None:
    draw = np.random.default_rng(0)
    plain, debiased = [], []
    for _ in range(200):
        logits = draw.normal(0, 1.9, (400, 10))
        p = softmax(logits)
        labels = (p.cumsum(1) > draw.random((400, 1))).argmax(1)
        sums = bin_sums(p.max(1), p.argmax(1) == labels, 15)
        plain.append(np.abs(sums.confidence - sums.correct).sum() / 400)
        debiased.append(debiased_error(sums))
    # Pure noise: the expectation of the plug-in is the sum of folded normals, computed here from the true variances.
    assert 0.04 < np.mean(plain) < 0.08
    assert np.mean(debiased) < 0.7 * np.mean(plain)


def test_debiased_keeps_a_large_and_certain_gap() -> None:
    sums = bin_sums(np.full(10_000, 0.9), np.arange(10_000) < 5000, 15)
    assert debiased_error(sums) == pytest.approx(0.4, abs=1e-9)


def test_folded_normal_mean_against_sampling_and_scipy() -> None:
    from scipy.stats import foldnorm

    mean, deviation = np.array([0.0, 0.3, -1.0, 0.2]), np.array([1.0, 0.2, 0.5, 0.0])
    expected = [foldnorm.mean(abs(m) / s, scale=s) if s else abs(m) for m, s in zip(mean, deviation, strict=True)]
    assert folded_normal_mean(mean, deviation) == pytest.approx(expected)


def test_float64_softmax_keeps_confidences_apart_that_float32_saturates() -> None:
    logits = np.zeros((2, 10), np.float32)
    logits[:, 0] = [22.0, 24.0]
    saturated = np.exp(logits - logits.max(1, keepdims=True))
    saturated /= saturated.sum(1, keepdims=True)
    assert (saturated.max(1) == 1.0).all()
    assert (softmax(logits).max(1) < 1.0).all()
    assert len(set(softmax(logits).max(1))) == 2


def test_reliability_and_gap_by_hand() -> None:
    logits = np.log(np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4]]))
    predictions = Predictions(logits, np.array([0, 1, 0]))
    diagram = reliability(predictions, bins=10)
    assert diagram.count.tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 2, 0]
    assert np.nansum(diagram.count * diagram.confidence) == pytest.approx(2.4)
    assert np.nansum(diagram.count * diagram.accuracy) == pytest.approx(2.0)
    assert np.isnan(diagram.accuracy[0])
    assert confidence_gap(predictions) == pytest.approx(0.8 - 2 / 3)
    assert ece(predictions, 10) >= abs(confidence_gap(predictions))


@pytest.mark.parametrize(
    ("probabilities", "labels", "options"),
    [
        (np.zeros(3), np.zeros(3, int), {}),
        (np.full((3, 2), 0.5), np.zeros(2, int), {}),
        (np.full((0, 2), 0.5), np.zeros(0, int), {}),
        (np.full((3, 2), 0.5), np.full(3, 2), {}),
        (np.full((3, 2), 0.5), np.zeros(3), {}),
        (np.full((3, 2), 5.0), np.zeros(3, int), {}),
        (np.full((3, 2), 0.5), np.zeros(3, int), {"bins": 0}),
        (np.full((3, 2), 0.5), np.zeros(3, int), {"bins": 2.5}),
        (np.full((3, 2), 0.5), np.zeros(3, int), {"binning": "uniform"}),
    ],
)
def test_wrong_calls_say_so(probabilities: Any, labels: Any, options: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        calibration_error(probabilities, labels, **options)


def test_a_probability_that_is_not_finite_is_diverged() -> None:
    with pytest.raises(Diverged):
        calibration_error(np.full((3, 2), np.nan), np.zeros(3, int))
