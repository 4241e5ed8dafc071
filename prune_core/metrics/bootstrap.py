"""Bootstrap intervals over base images, as matrix products of resampling counts and per-image statistics.

The 75 corrupted pictures of one base image share it: what is resampled is the base image with everything made of it, in
both networks of a pair alike. Treating the cells as independent makes the interval of mPC several times too narrow.
The ECE needs more care: `prune_core.metrics.calibration_interval`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prune_core.base.errors import BadInput
from prune_core.metrics.predictions import Floats


@dataclass(frozen=True)
class Interval:
    """An interval of confidence and its centre: the estimate itself, for an ECE the bias-corrected one."""

    low: float
    centre: float
    high: float


def resampling_counts(images: int, resamples: int = 1000, seed: int = 0) -> Floats:
    """Return how often each resample draws each base image, ``(resamples, images)``; each row sums to ``images``.

    The same images, resamples and seed give the same draws: that is what pairs two networks.
    """
    if images < 2 or resamples < 2:
        raise BadInput(f"a bootstrap needs at least 2 images and 2 resamples, got {images} and {resamples}")
    draw = np.random.default_rng(seed)
    counts = np.empty((resamples, images), np.float64)
    step = max(1, (1 << 20) // images)  # rows at a time: all at once would need twice the memory of the answer
    for start in range(0, resamples, step):
        block = counts[start : start + step]
        drawn = draw.integers(0, images, block.shape) + images * np.arange(len(block))[:, None]
        block[:] = np.bincount(drawn.ravel(), minlength=block.size).reshape(block.shape)
    return counts


def resampled_means(values: npt.NDArray[Any], counts: Floats) -> Floats:
    """Return the mean of ``(N,)`` or ``(N, M)`` per-image values in each resample: ``(R,)`` or ``(R, M)``."""
    total = np.maximum(counts.sum(axis=1), 1.0)
    product = counts @ np.asarray(values, np.float64)
    return np.asarray(product / (total if product.ndim == 1 else total[:, None]))


def percentile_interval(estimate: float, resampled: Floats, level: float = 0.95) -> Interval:
    """Return the percentile interval of a statistic that is unbiased: means, and differences or ratios of means."""
    low, high = quantiles(resampled, (1 - level) / 2, (1 + level) / 2)
    return Interval(low, estimate, high)


def quantiles(values: Floats, *probabilities: float) -> list[float]:
    """`numpy.quantile`, which takes longer than the resampling itself."""
    places = np.array(probabilities) * (len(values) - 1)
    return [float(value) for value in np.interp(places, np.arange(len(values)), np.sort(values))]
