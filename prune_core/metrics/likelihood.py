"""Accuracy, negative log-likelihood, Brier score, mean confidence: what needs no bins."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from prune_core.metrics.predictions import Floats, Predictions
from prune_core.metrics.registry import Metric, file_metric


def accuracy(predictions: Predictions) -> float:
    """Return the fraction of images whose largest logit is the label's (top-1), in [0, 1]."""
    return float(predictions.correct.mean())


def class_accuracy(predictions: Predictions) -> Floats:
    """Return the accuracy over the images of each class, ``(K,)``; NaN for a class without images."""
    classes = predictions.logits.shape[1]
    total = np.bincount(predictions.labels, minlength=classes)
    right = np.bincount(predictions.labels, weights=predictions.correct, minlength=classes)
    return np.where(total > 0, right / np.maximum(total, 1), np.nan)


def image_nll(predictions: Predictions) -> Floats:
    """Return ``-log p(label)`` of each image, ``(N,)``, in nats."""
    return -predictions.log_probabilities[np.arange(len(predictions.labels)), predictions.labels]


def image_brier(predictions: Predictions) -> Floats:
    """Return the squared distance to the one-hot label, summed over classes, of each image: ``(N,)``, in [0, 2]."""
    difference: npt.NDArray[Any] = predictions.probabilities.copy()
    difference[np.arange(len(predictions.labels)), predictions.labels] -= 1.0
    return np.asarray((difference**2).sum(axis=1))


def nll(predictions: Predictions) -> float:
    """Return the mean negative log-likelihood in nats; proper, unbounded above."""
    return float(image_nll(predictions).mean())


def brier(predictions: Predictions) -> float:
    """Return the mean class-summed Brier score, in [0, 2] (twice the binary convention for two classes)."""
    return float(image_brier(predictions).mean())


def mean_confidence(predictions: Predictions) -> float:
    """Return the mean of the largest probability, in [1/K, 1]."""
    return float(predictions.confidence.mean())


file_metric(
    Metric(
        "accuracy",
        "accuracy",
        lambda p, bins: accuracy(p),
        "max",
        "fraction",
        0.0,
        1.0,
        "top-1",
        on_train=True,
        format="percent",
        group="accuracy",
        order=10,
        panel=False,  # every panel is against it
    )
)
file_metric(
    Metric(
        "nll",
        "NLL",
        lambda p, bins: nll(p),
        "min",
        "nats",
        0.0,
        None,
        "mean negative log-likelihood; proper (Gneiting and Raftery 2007)",
        on_train=True,
        after_temperature=True,
        group="likelihood",
        order=30,
        headline=False,
        panel=False,
    )
)
file_metric(
    Metric(
        "brier",
        "Brier score",
        lambda p, bins: brier(p),
        "min",
        "squared probability",
        0.0,
        2.0,
        "Brier 1950, summed over classes",
        group="likelihood",
        order=35,
        table=False,
        headline=False,
        panel=False,
    )
)
file_metric(
    Metric(
        "mean_confidence",
        "mean confidence",
        lambda p, bins: mean_confidence(p),
        None,
        "fraction",
        0.0,
        1.0,
        "mean of the largest softmax probability",
        group="calibration",
        order=60,
        table=False,
        headline=False,
        panel=False,
        tracked=False,
    )
)
