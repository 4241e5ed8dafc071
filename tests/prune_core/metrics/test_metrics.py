"""The other metrics, each against an outside truth."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from prune_core.base.errors import BadInput, Diverged
from prune_core.metrics import (
    CellPredictions,
    Predictions,
    accepting_threshold,
    accuracy,
    augrc,
    aurc,
    brier,
    cell_accuracy,
    cell_ece,
    cells_at,
    class_accuracy,
    cross_fit,
    ece_fell_with_accuracy,
    first_half,
    fit_temperature,
    mean_confidence,
    mpc,
    nll,
    pooled_ece,
    rpc,
    selective_at,
    softmax,
    worst_corruption,
)
from prune_core.metrics.selective import REJECT_ALL


def drawn(images: int = 500, classes: int = 10, seed: int = 0, sharp: float = 1.0) -> Predictions:
    """Logits whose labels are drawn from their softmax at a temperature of ``sharp``."""
    draw = np.random.default_rng(seed)
    logits = draw.normal(0, 2, (images, classes)).astype(np.float32)
    labels = np.array([draw.choice(classes, p=row) for row in softmax(logits / sharp)])
    return Predictions(logits, labels)


def test_against_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    p = drawn()
    classes = np.arange(10)
    assert nll(p) == pytest.approx(metrics.log_loss(p.labels, p.probabilities, labels=classes), abs=1e-12)
    one_hot = np.eye(10)[p.labels]
    by_class = sum(metrics.brier_score_loss(one_hot[:, k], p.probabilities[:, k]) for k in classes)
    assert brier(p) == pytest.approx(by_class, abs=1e-12)
    assert accuracy(p) == metrics.accuracy_score(p.labels, p.logits.argmax(1))
    assert class_accuracy(p) == pytest.approx(metrics.recall_score(p.labels, p.logits.argmax(1), average=None))


def test_by_hand() -> None:
    p = Predictions(np.log(np.array([[0.8, 0.2], [0.4, 0.6]])), np.array([0, 0]))
    assert nll(p) == pytest.approx(-(np.log(0.8) + np.log(0.4)) / 2)
    assert brier(p) == pytest.approx((2 * 0.2**2 + 2 * 0.6**2) / 2)
    assert mean_confidence(p) == pytest.approx(0.7)
    assert accuracy(p) == 0.5
    assert np.isnan(class_accuracy(p)[1])


def test_huge_logits_stay_finite() -> None:
    p = Predictions(np.array([[3e38, -3e38], [0.0, 900.0]], np.float32), np.array([0, 0]))
    assert nll(p) == pytest.approx(450.0)
    assert np.isfinite([brier(p), mean_confidence(p)]).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_are_diverged(bad: float) -> None:
    logits = np.zeros((3, 2))
    logits[1, 0] = bad
    with pytest.raises(Diverged, match="1 images"):
        Predictions(logits, np.zeros(3, int))
    with pytest.raises(Diverged, match="fog"):
        CellPredictions.from_logits({"fog": np.broadcast_to(logits, (5, 3, 2))}, np.zeros(3, int), 1.0)


@pytest.mark.parametrize("sharp", [0.4, 1.0, 2.5])
def test_temperature_is_the_optimum_that_scipy_finds(sharp: float) -> None:
    from scipy.optimize import minimize_scalar

    p = drawn(sharp=sharp)
    found = minimize_scalar(lambda t: nll(p.scaled(t)), bounds=(0.05, 20), method="bounded", options={"xatol": 1e-10})
    assert fit_temperature(p) == pytest.approx(found.x, rel=1e-5)
    assert nll(p.scaled(fit_temperature(p))) <= found.fun + 1e-12


def test_temperature_recovers_the_one_of_the_labels() -> None:
    assert fit_temperature(drawn(20_000, sharp=1.8)) == pytest.approx(1.8, rel=0.03)


def test_temperature_at_its_bounds_and_without_information() -> None:
    separable = Predictions(np.eye(4), np.arange(4))
    assert fit_temperature(separable) == pytest.approx(0.05)
    assert fit_temperature(Predictions(np.eye(4), (np.arange(4) + 1) % 4)) == pytest.approx(20.0)
    assert fit_temperature(Predictions(np.full((4, 3), 7.0), np.zeros(4, int))) == 1.0
    huge = Predictions(np.random.default_rng(0).normal(0, 1e4, (50, 5)), np.zeros(50, int))
    assert 0.05 <= fit_temperature(huge) <= 20.0


def test_temperature_changes_no_prediction() -> None:
    p = drawn()
    assert np.array_equal(p.scaled(3.3).correct, p.correct)


def test_halves_are_balanced_and_depend_on_the_labels_alone() -> None:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(5), 20))
    half = first_half(labels)
    assert np.bincount(labels[half]).tolist() == [10] * 5
    assert np.array_equal(half, first_half(labels.copy()))


def test_cross_fit_scales_each_half_by_the_other() -> None:
    p = drawn(2000, sharp=2.0)
    half = first_half(p.labels)
    temperature, scaled = cross_fit(p)
    other = fit_temperature(p.subset(~half))
    assert scaled.subset(half).logits == pytest.approx(p.logits[half].astype(float) / other)
    assert temperature == pytest.approx(np.sqrt(other * fit_temperature(p.subset(half))))
    assert nll(scaled) < nll(p)


def cells(correct: Any, confidence: Any = 0.5, clean: float = 1.0) -> CellPredictions:
    right = np.asarray(correct, bool)
    names = tuple(f"c{at}" for at in range(len(right)))
    return CellPredictions(
        names, tuple(range(1, right.shape[1] + 1)), right, np.broadcast_to(confidence, right.shape), clean
    )


def test_mpc_is_what_two_loops_compute() -> None:
    draw = np.random.default_rng(0)
    right = draw.random((15, 5, 40)) < 0.6
    judged = cells(right, clean=0.8)
    loops = [[right[c][s].mean() for s in range(5)] for c in range(15)]
    assert mpc(judged) == pytest.approx(np.mean(loops))
    assert mpc(judged.severity(4)) == pytest.approx(np.mean([row[3] for row in loops]))
    assert rpc(judged) == pytest.approx(np.mean(loops) / 0.8)
    assert cell_accuracy(judged) == pytest.approx(np.array(loops))
    name, value = worst_corruption(judged)
    assert name == f"c{np.argmin(np.mean(loops, 1))}"
    assert value == pytest.approx(np.min(np.mean(loops, 1)))
    assert mpc(judged.without("c3")) == pytest.approx(np.mean(loops[:3] + loops[4:]))


def test_rpc_of_a_network_that_is_never_right_is_zero() -> None:
    assert rpc(cells(np.zeros((1, 5, 4)), clean=0.0)) == 0.0


def test_pooled_ece_lets_corruptions_cancel_and_cells_do_not() -> None:
    right = np.zeros((2, 1, 1000), bool)
    right[0] = True
    judged = cells(right, 0.5)
    assert pooled_ece(judged, 15) == pytest.approx(0.0)
    assert cell_ece(judged, 15) == pytest.approx(np.array([[0.5], [0.5]]))
    with pytest.raises(BadInput, match="1000"):
        cell_ece(cells(right[:, :, :999]), 15)


def test_threshold_accepts_the_most_images_that_keep_the_rate() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    correct = np.array([True, True, False, True, False])
    assert accepting_threshold(confidence, correct, 0.0) == 0.8
    assert accepting_threshold(confidence, correct, 0.25) == 0.6  # 1 of 4, although 1 of 3 was too many
    assert accepting_threshold(confidence, correct, 0.4) == 0.5
    assert accepting_threshold(confidence, ~correct, 0.3) == REJECT_ALL
    judged = selective_at(confidence, correct, 0.6)
    assert (judged.coverage, judged.accepted_error, judged.undetected_error) == pytest.approx((0.8, 0.25, 0.2))
    nothing = selective_at(confidence, correct, REJECT_ALL)
    assert (nothing.coverage, nothing.accepted_error, nothing.undetected_error) == (0.0, 0.0, 0.0)


def test_ties_are_accepted_together() -> None:
    confidence, correct = np.array([0.9, 0.9, 0.5]), np.array([True, False, True])
    assert accepting_threshold(confidence, correct, 0.1) == REJECT_ALL
    assert accepting_threshold(confidence, correct, 0.5) == 0.5


def test_threshold_against_trying_every_one() -> None:
    p = drawn(300, sharp=1.5)
    for rate in (0.01, 0.1, 0.3):
        tried = [t for t in p.confidence if selective_at(p.confidence, p.correct, t).accepted_error <= rate]
        assert accepting_threshold(p.confidence, p.correct, rate) == (min(tried) if tried else REJECT_ALL)
    with pytest.raises(BadInput):
        accepting_threshold(p.confidence, p.correct, 1.0)


def test_cells_at_pools_the_corruptions() -> None:
    right = np.array([[[1, 1], [0, 0]], [[1, 0], [0, 1]]], bool)
    found = cells_at(cells(right, 0.7), 0.6)
    assert found[1].undetected_error == 0.25
    assert found[2].accepted_error == 0.75


def test_augrc_equals_its_closed_form_by_auroc() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    p = drawn(400)
    coarse = Predictions(np.round(p.logits), p.labels)  # many ties
    for judged in (p, coarse):
        right = accuracy(judged)
        auroc = metrics.roc_auc_score(judged.correct, judged.confidence)
        assert augrc(judged) == pytest.approx((1 - auroc) * right * (1 - right) + (1 - right) ** 2 / 2, abs=1e-12)


def test_aurc_by_hand_and_in_any_order() -> None:
    logits = np.log(np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]]))
    assert aurc(Predictions(logits, np.array([0, 1, 0]))) == pytest.approx((0 + 1 / 2 + 1 / 3) / 3)
    tied = np.log(np.array([[0.9, 0.1], [0.9, 0.1]]))
    assert aurc(Predictions(tied, np.array([0, 1]))) == pytest.approx(0.5)
    assert aurc(Predictions(tied, np.array([1, 0]))) == pytest.approx(0.5)


CONTROL = {"accuracy": 0.916, "mean_confidence": 0.96, "ece": 0.05, "mpc_s5": 0.55, "corruption_ece_s5": 0.364}


@pytest.mark.parametrize(
    ("change", "flagged"),
    [
        ({"accuracy": 0.753, "mean_confidence": 0.77, "ece": 0.02}, ["ece"]),
        ({"accuracy": 0.753, "mean_confidence": 0.77, "ece": 0.06}, []),  # it did not fall
        ({"mean_confidence": 0.92, "ece": 0.01}, []),  # better calibrated: accuracy stayed
        ({"accuracy": 0.753, "ece": 0.04}, []),
        ({"mpc_s5": 0.38, "corruption_ece_s5": 0.267}, ["corruption_ece_s5"]),  # as measured on a network at 90 % sparsity
        ({"corruption_ece_s5": 0.267}, []),
        ({"accuracy": None, "mean_confidence": 0.5, "ece": 0.01}, []),
    ],
)
def test_an_ece_that_fell_with_the_accuracy_is_flagged(change: dict[str, Any], flagged: list[str]) -> None:
    assert ece_fell_with_accuracy(CONTROL | change, CONTROL) == flagged
    selection = {f"val_{name}": value for name, value in (CONTROL | change).items()}
    control = {f"val_{name}": value for name, value in CONTROL.items()}
    assert ece_fell_with_accuracy(selection, control) == [f"val_{name}" for name in flagged]


@pytest.mark.parametrize(
    "module",
    [
        "metrics",
        "metrics.columns",
        "metrics.directions",
        "metrics.quantities",
        *(f"evaluation.{name}" for name in ("logits", "scoring", "damage", "uncertainty")),
    ],
)
def test_needs_no_torch(module: str) -> None:
    code = f"import sys, prune_core.{module}; sys.exit('torch' in sys.modules or 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
