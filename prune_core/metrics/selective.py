"""Selective prediction: answer only where confident enough. What a safety case asks is what then slips through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prune_core.base.errors import BadInput
from prune_core.metrics.predictions import CellPredictions, Floats, Predictions
from prune_core.metrics.registry import Metric, file_metric

REJECT_ALL = 2.0
"""A threshold above every confidence: no coverage at all meets the accepted-error rate."""


@dataclass(frozen=True)
class Selective:
    """What happens at one threshold.

    Attributes:
        threshold: predictions of at least this confidence are accepted.
        coverage: the accepted share of all images.
        accepted_error: the share of errors among the accepted; 0 where none is accepted.
        undetected_error: accepted errors as a share of all images: coverage * accepted_error.
    """

    threshold: float
    coverage: float
    accepted_error: float
    undetected_error: float


def accepting_threshold(confidence: npt.NDArray[Any], correct: npt.NDArray[Any], accepted_error: float) -> float:
    """Return the lowest confidence at which the accepted images err at most at the stated rate.

    Set it on clean validation images, then judge others with `selective_at`. The rate holds on the images given; on
    others only as far as they are alike, which under corruption they are not.

    Args:
        confidence: ``(N,)``.
        correct: ``(N,)``.
        accepted_error: the largest share of errors among the accepted, in [0, 1).

    Returns:
        One of the confidences given, or `REJECT_ALL`.
    """
    if not 0.0 <= accepted_error < 1.0:
        raise BadInput(f"the accepted-error rate must lie in [0, 1), got {accepted_error!r}")
    order = np.argsort(-confidence, kind="stable")
    ordered = confidence[order]
    rate = np.cumsum(~correct[order].astype(bool)) / np.arange(1, len(order) + 1)
    # Ties are accepted together, so only the last image of each tie is a possible border.
    border = np.append(ordered[1:] != ordered[:-1], True)
    allowed = np.flatnonzero(border & (rate <= accepted_error))
    return float(ordered[allowed[-1]]) if len(allowed) else REJECT_ALL


def selective_at(confidence: npt.NDArray[Any], correct: npt.NDArray[Any], threshold: float) -> Selective:
    """Return coverage and errors of ``(N,)`` predictions at a threshold."""
    accepted = np.asarray(confidence >= threshold)
    coverage, undetected = float(accepted.mean()), float((accepted & ~correct.astype(bool)).mean())
    return Selective(threshold, coverage, undetected / coverage if coverage > 0 else 0.0, undetected)


def cells_at(cells: CellPredictions, threshold: float) -> dict[int, Selective]:
    """Return `selective_at` of each severity, its corruptions pooled."""
    each = enumerate(cells.severities)
    return {s: selective_at(cells.confidence[:, at].ravel(), cells.correct[:, at].ravel(), threshold) for at, s in each}


def _errors_by_coverage(predictions: Predictions) -> Floats:
    """Expected errors among the k most confident images, k = 1 .. N, ties in random order: ``(N,)``."""
    order = np.argsort(-predictions.confidence, kind="stable")
    _, group, size = np.unique(-predictions.confidence[order], return_inverse=True, return_counts=True)
    wrong = np.bincount(group, weights=~predictions.correct[order]) / size
    return np.asarray(np.cumsum(wrong[group]))


def aurc(predictions: Predictions) -> float:
    """Return the area under the risk-coverage curve, in [0, 1]: the mean over k of the error among the k most confident."""
    errors = _errors_by_coverage(predictions)
    return float((errors / np.arange(1, len(errors) + 1)).mean())


def augrc(predictions: Predictions) -> float:
    """Return the area under the generalised risk-coverage curve, in [0, 1/2]: the mean undetected error over coverages.

    The trapezoid rule, which equals ``(1 - AUROC) * acc * (1 - acc) + (1 - acc)**2 / 2`` (Traub et al. 2024, equation 7),
    AUROC being that of the confidence telling right from wrong.
    """
    errors = np.concatenate([[0.0], _errors_by_coverage(predictions)])
    count = len(errors) - 1
    return float((errors[1:] + errors[:-1]).sum() / 2 / count**2)


file_metric(
    Metric(
        "aurc",
        "AURC",
        lambda p, bins: aurc(p),
        "min",
        "fraction",
        0.0,
        1.0,
        "Geifman and El-Yaniv 2017 (arXiv:1705.08500); ties averaged",
        recorded=False,
        group="selective prediction",
        order=70,
    )
)
file_metric(
    Metric(
        "augrc",
        "AUGRC",
        lambda p, bins: augrc(p),
        "min",
        "fraction",
        0.0,
        0.5,
        "Traub et al. 2024 (arXiv:2407.01032)",
        recorded=False,
        group="selective prediction",
        order=70,
    )
)
