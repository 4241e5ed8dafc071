"""Expected calibration error of the top label, plug-in and debiased; the signed gap; the reliability diagram.

The plug-in estimate is biased upwards, the more so the fewer images there are: with 15 bins a perfectly calibrated
network of accuracy .68 gets .116 at 100 images and .026 at 2,000. Numbers of unequal N are never compared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prune_core.base.errors import BadInput, Diverged
from prune_core.metrics.binning import BinSums, bin_edges, bin_sums
from prune_core.metrics.predictions import Floats, Predictions, check_pair
from prune_core.metrics.registry import Metric, file_metric


def calibration_error(
    probabilities: npt.NDArray[Any], labels: npt.NDArray[Any], *, bins: int = 15, binning: str = "equal_width"
) -> float:
    """Return the expected calibration error, sum over bins of n_b / N * |confidence_b - accuracy_b|, in [0, 1].

    Args:
        probabilities: ``(N, C)``, each row a distribution.
        labels: ``(N,)`` integers in 0 .. C-1.
        bins: the number of bins; say it with the number.
        binning: ``"equal_width"``: intervals (lo, hi] as in Guo et al. 2017, so confidence 1.0 is in the last bin;
            ``"equal_mass"``: split into equal groups, then every tie moves to the group of its first member.

    Raises:
        BadInput: shapes, labels, bins or binning are not as above, or a probability lies outside [0, 1].
        Diverged: a probability is not finite.
    """
    scores, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    check_pair(scores, truth, "probabilities")
    if not np.isfinite(scores).all():
        raise Diverged("probabilities are not finite")
    if scores.min() < 0 or scores.max() > 1 + 1e-3:
        raise BadInput(f"probabilities must lie in [0, 1], got {scores.min():g} .. {scores.max():g} (logits?)")
    confidence = np.minimum(scores.max(axis=1), 1.0)
    return plug_in_error(bin_sums(confidence, scores.argmax(axis=1) == truth, bins, binning))


def plug_in_error(sums: BinSums) -> float:
    """Return the ECE of bin sums."""
    return float(np.abs(sums.confidence - sums.correct).sum() / sums.count.sum())


def ece(predictions: Predictions, bins: int, binning: str = "equal_width") -> float:
    """Return the ECE of predictions, in [0, 1]."""
    return plug_in_error(bin_sums(predictions.confidence, predictions.correct, bins, binning))


def confidence_gap(predictions: Predictions) -> float:
    """Return mean confidence minus accuracy, in [-1, 1]: positive is overconfident. |gap| is at most the ECE."""
    return float(predictions.confidence.mean() - predictions.correct.mean())


def debiased_error(sums: BinSums) -> float:
    """Return the ECE minus its estimated bias, clipped to [0, 1].

    The estimator of Kumar, Liang and Ma 2019 (NeurIPS, section 5 and its library, for p = 1), with the resampling
    replaced by its closed form: if the gap of a bin were g and its accuracy estimated with standard error s, the plug-in
    would see the mean of a folded normal, ``m(g, s)``; the bias is estimated as the sum of w_b (m(g_b, s_b) - |g_b|).
    It removes a part of the bias, not all of it.
    """
    accuracy = sums.correct / np.maximum(sums.count, 1.0)
    error = np.sqrt(accuracy * (1.0 - accuracy) / np.maximum(sums.count, 1.0))
    bias = folded_normal_mean(sums.gap, error) - np.abs(sums.gap)
    return float(np.clip(plug_in_error(sums) - (sums.weight * bias).sum(), 0.0, 1.0))


def folded_normal_mean(mean: Floats, deviation: Floats) -> Floats:
    """Return E|X| for X normal; |mean| where the deviation is 0."""
    safe = np.where(deviation > 0, deviation, 1.0)
    ratio = np.abs(mean) / safe
    tail = np.array([math.erf(value / math.sqrt(2.0)) for value in ratio.ravel()]).reshape(ratio.shape)
    folded = safe * math.sqrt(2.0 / math.pi) * np.exp(-(ratio**2) / 2.0) + np.abs(mean) * tail
    return np.where(deviation > 0, folded, np.abs(mean))


@dataclass(frozen=True)
class Reliability:
    """The data of a reliability diagram: per bin, lower and upper edge, images, mean confidence, accuracy (NaN if empty)."""

    low: Floats
    high: Floats
    count: Floats
    confidence: Floats
    accuracy: Floats

    @property
    def ece(self) -> float:
        """The ECE of these bins, in [0, 1]: what the column ``ece`` holds for the same predictions."""
        gap = np.abs(np.nan_to_num(self.confidence) - np.nan_to_num(self.accuracy))
        return float((self.count * gap).sum() / self.count.sum())

    @property
    def ece_debiased(self) -> float:
        """The same less its estimated bias (`debiased_error`): what is compared between sets of unequal size."""
        confidence, correct = (self.count * np.nan_to_num(each) for each in (self.confidence, self.accuracy))
        return debiased_error(BinSums(self.count, confidence, correct))


def pooled_reliability(each: Sequence[Reliability]) -> Reliability:
    """Return the diagram of all predictions behind diagrams of the same bins.

    Its ECE is at most the mean of theirs: gaps of opposite sign in one bin cancel.
    """
    count = np.sum([one.count for one in each], axis=0)
    confidence, accuracy = (
        np.sum([one.count * np.nan_to_num(values) for one, values in pairs], axis=0) / np.where(count > 0, count, np.nan)
        for pairs in ([(one, one.confidence) for one in each], [(one, one.accuracy) for one in each])
    )
    return Reliability(each[0].low, each[0].high, count, confidence, accuracy)


def reliability(predictions: Predictions, *, bins: int = 15) -> Reliability:
    """Return equal-width bins (lo, hi] with what a reliability diagram draws."""
    sums, edges = bin_sums(predictions.confidence, predictions.correct, bins), bin_edges(bins)
    total = np.where(sums.count > 0, sums.count, np.nan)
    return Reliability(edges[:-1], edges[1:], sums.count, sums.confidence / total, sums.correct / total)


def _debiased(predictions: Predictions, bins: int) -> float:
    return debiased_error(bin_sums(predictions.confidence, predictions.correct, bins))


file_metric(
    Metric(
        "ece",
        "ECE",
        ece,
        "min",
        "fraction",
        0.0,
        1.0,
        "Guo et al. 2017 (arXiv:1706.04599): top label, L1, equal-width bins (lo, hi]",
        after_temperature=True,
        format="percent",
        decimals=2,
        group="calibration",
        order=20,
    )
)
file_metric(
    Metric(
        "ece_mass",
        "ECE (equal mass)",
        lambda p, bins: ece(p, bins, "equal_mass"),
        "min",
        "fraction",
        0.0,
        1.0,
        "Nguyen and O'Connor 2015: equal-mass bins, ties kept together",
        format="percent",
        decimals=2,
        group="calibration",
        order=22,
        table=False,
        headline=False,
        panel=False,
        tracked=False,
    )
)
file_metric(
    Metric(
        "ece_debiased",
        "ECE (debiased)",
        _debiased,
        "min",
        "fraction",
        0.0,
        1.0,
        "Kumar et al. 2019 (arXiv:1909.10155), p = 1, normal approximation in closed form, clipped at 0",
        format="percent",
        decimals=2,
        group="calibration",
        order=21,
        table=False,
        headline=False,
        panel=False,
        tracked=False,
    )
)
file_metric(
    Metric(
        "confidence_gap",
        "confidence minus accuracy",
        lambda p, bins: confidence_gap(p),
        None,
        "fraction",
        -1.0,
        1.0,
        "signed calibration in the large; positive is overconfident",
        recorded=False,
        format="percent",
        group="calibration",
        order=61,
    )
)
