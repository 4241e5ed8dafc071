"""Temperature scaling (Guo et al. 2017): one parameter, fitted by NLL on images that are not judged with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from prune_core.metrics.predictions import Bools, Floats, Integers, Predictions, log_softmax
from prune_core.metrics.registry import Metric, file_metric

LOWEST, HIGHEST = 0.05, 20.0
"""Bounds of the temperature: a network that errs nowhere on the images of the fit would go to 0."""


def fit_temperature(predictions: Predictions) -> float:
    """Return the temperature in [0.05, 20] that minimises the NLL of logits / temperature.

    The NLL is convex in b = 1 / temperature with derivative ``mean(E_p[z] - z_label)``, which grows with b: its root is
    found by Newton steps inside a bracket that only shrinks, so the fit cannot run away and has no step size. Where all
    logits of every image are equal the temperature changes nothing and is 1.
    """
    logits = predictions.logits.astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    target = logits[np.arange(len(logits)), predictions.labels]
    if not logits.any():
        return 1.0
    low, high, b = 1.0 / HIGHEST, 1.0 / LOWEST, 1.0
    for end in (low, high):
        slope = _slope(logits, target, end)[0]
        if (end == low and slope >= 0) or (end == high and slope <= 0):
            return 1.0 / end
    for _ in range(100):
        slope, curvature = _slope(logits, target, b)
        low, high = (b, high) if slope < 0 else (low, b)
        step = b - slope / curvature if curvature > 0 else np.inf
        following = step if low < step < high else np.sqrt(low * high)
        if abs(following - b) <= 1e-13 * b:
            break
        b = float(following)
    return float(1.0 / b)


def _slope(logits: Floats, target: Floats, b: float) -> tuple[float, float]:
    """First and second derivative of the mean NLL of ``b * logits`` by b."""
    p = np.exp(log_softmax(b * logits))
    mean = (p * logits).sum(axis=1)
    variance = (p * logits**2).sum(axis=1) - mean**2
    return float((mean - target).mean()), float(variance.mean())


def first_half(labels: npt.NDArray[Any]) -> Bools:
    """Return a mask ``(N,)`` of every second image of each class: the same images for every network of a study."""
    half = np.zeros(len(labels), bool)
    half[np.argsort(labels, kind="stable")[::2]] = True
    return half


def cross_fit(predictions: Predictions, half: Bools | None = None) -> tuple[float, Predictions]:
    """Scale each half by the temperature fitted on the other one, where there are no other images to fit on.

    Returns:
        The geometric mean of the two temperatures, and the scaled predictions of all images in their order. Say
        "two-fold cross-fit on the report images" beside such numbers.
    """
    mask = first_half(predictions.labels) if half is None else half
    if mask.all() or not mask.any():
        return 1.0, predictions
    on_first, on_second = fit_temperature(predictions.subset(mask)), fit_temperature(predictions.subset(~mask))
    divisor: Integers | Floats = np.where(mask, on_second, on_first)[:, None]
    scaled = Predictions(predictions.logits.astype(np.float64) / divisor, predictions.labels)
    return float(np.sqrt(on_first * on_second)), scaled


file_metric(
    Metric(
        "temperature",
        "temperature",
        lambda p, bins: fit_temperature(p),
        None,
        "1",
        LOWEST,
        HIGHEST,
        "Guo et al. 2017 (arXiv:1706.04599), fitted on one half of the validation images",
        on="fit",
        group="calibration",
        order=65,
        table=False,
        headline=False,
        panel=False,
        tracked=False,
    )
)
