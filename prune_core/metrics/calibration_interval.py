"""The interval of a true ECE: found by inverting a test, since the ECE is a sum of absolute values.

Noise only adds to such a sum: the percentile interval of the plug-in ECE covers the true one in 0 to 90 % of cases instead
of 95 %, and that of a well calibrated network misses 0. So let the true gaps of the bins lie on a line, draw the noise of
one resample, and ask which true ECE on that line would show exactly the ECE that was seen; the answers over the resamples
have the quantiles that are wanted. Two lines are needed:

- ``x * observed``, towards perfect calibration: it gives the low end and the centre (the median), a bias-corrected ECE that
  lies below the plug-in.
- ``centre + t * likely``, where ``likely`` is what the bins' gaps do together when noise lowers the ECE: the easy and the
  hard images that were drawn move all bins at once. It gives the high end. On the first line gaps that noise has brought
  near 0 stay there and cancel, and the high end was missed by up to 20 % of the intervals.

`python -m benchmarks.interval_coverage` simulates nine worlds from gross miscalibration to none: at 400 images 94 to 98 % of
the intervals hold the true ECE, of those by percentiles 0 to 96 %. The difference of two ECEs holds in 93 to 97 % where both
networks are miscalibrated, and in less where one of them is all but perfectly calibrated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prune_core.metrics.bootstrap import Interval, quantiles, resampled_means
from prune_core.metrics.predictions import Floats


@dataclass(frozen=True)
class GapSums:
    """The signed gaps of an ECE and their noise.

    Attributes:
        observed: ``(B,)``: the mean over base images of confidence minus correctness that falls into each bin.
        noise: ``(R, B)``: the same in each resample, minus the observed.
    """

    observed: Floats
    noise: Floats

    @property
    def plug_in(self) -> float:
        """The plug-in ECE."""
        return float(np.abs(self.observed).sum())

    @property
    def resampled(self) -> Floats:
        """``(R,)``: the plug-in ECE of each resample."""
        return np.asarray(np.abs(self.observed + self.noise).sum(axis=1))

    @property
    def linear(self) -> Floats:
        """``(R,)``: the noise of the ECE while no gap changes its sign."""
        return np.asarray(self.noise @ np.sign(self.observed))


def gap_sums(contributions: npt.NDArray[Any], counts: Floats) -> GapSums:
    """Sum up ``(N, B)`` contributions: what each base image adds to the signed gap of each bin (see `gap_contributions`)."""
    observed = np.asarray(contributions, np.float64).mean(axis=0)
    return GapSums(observed, resampled_means(contributions, counts) - observed)


def calibration_interval(sums: GapSums, level: float = 0.95) -> Interval:
    """Return the interval of the true ECE with these bins, by the inverted test of the module's head; within [0, 1]."""
    scale = _largest_roots(sums.noise, sums.observed, sums.plug_in)
    scaled = np.where(scale > 0, scale, 0.0) * sums.plug_in  # not a number where the noise alone shows more
    low, centre = quantiles(np.minimum(scaled, 1.0), (1 - level) / 2, 0.5)
    start = sums.observed * (centre / sums.plug_in if sums.plug_in > 0 else 0.0)
    likely = sums.noise.T @ sums.linear  # times a constant: the covariance of each gap with the ECE
    shift = _largest_roots(start + sums.noise, likely, sums.plug_in)
    shifted = np.nan_to_num(np.abs(start + shift[:, None] * likely).sum(axis=1))
    [high] = quantiles(np.minimum(shifted, 1.0), (1 + level) / 2)
    return Interval(low, centre, max(high, centre))


def _largest_roots(fixed: Floats, direction: Floats, seen: float) -> Floats:
    """Return for each row the largest t at which ``sum |fixed + t * direction|`` is what was seen, ``(R,)``; NaN where none.

    The sum is convex and piecewise linear in t: Newton steps from the right of its largest root descend to it and end.
    """
    length = np.abs(direction).sum()
    if seen == 0 or length == 0:
        return np.full(len(fixed), np.nan)
    t = (seen + np.abs(fixed).sum(axis=1)) / length
    for _ in range(fixed.shape[1] + 1):
        shifted = fixed + t[:, None] * direction
        excess, slope = np.abs(shifted).sum(axis=1) - seen, np.sign(shifted) @ direction
        rising = slope > 1e-12 * length
        steps = np.where(rising, excess, 0.0) / np.where(rising, slope, 1.0)
        t = t - steps
        if np.abs(steps).max() * length < 1e-10 * seen:
            break
    missed = np.abs(np.abs(fixed + t[:, None] * direction).sum(axis=1) - seen)
    return np.where(missed < 1e-6 * seen, t, np.nan)


def calibration_difference(one: GapSums, other: GapSums, level: float = 0.95) -> Interval:
    """Return the interval of ECE(one) - ECE(other), both resampled with the same counts.

    Made of the two intervals and the correlation of their noise by the method of variance estimates recovery (Zou and
    Donner 2008, with correlation), which respects that either may touch 0.
    """
    a, b = calibration_interval(one, level), calibration_interval(other, level)
    correlation = _correlation(one.resampled, other.resampled)
    down, up = _recovered(a, b, correlation), _recovered(b, a, correlation)
    centre = a.centre - b.centre
    return Interval(centre - down, centre, centre + up)


def _correlation(one: Floats, other: Floats) -> float:
    spread = float(one.std() * other.std())
    return float(((one - one.mean()) * (other - other.mean())).mean()) / spread if spread > 0 else 0.0


def _recovered(falls: Interval, rises: Interval, correlation: float) -> float:
    """How far a difference reaches when the first number is at its low end and the second at its high end."""
    fall, rise = falls.centre - falls.low, rises.high - rises.centre
    return math.sqrt(max(fall**2 + rise**2 - 2 * correlation * fall * rise, 0.0))


def gap_contributions(confidence: npt.NDArray[Any], correct: npt.NDArray[Any], at: npt.NDArray[Any], bins: int) -> Floats:
    """Return what each base image adds to the gap of each bin, ``(N, bins)``.

    Args:
        confidence: ``(..., N)``: one or more pictures of each base image, for example 15 corruptions of one severity.
        correct: the same shape.
        at: the same shape: the bin of each picture.
        bins: their number.
    """
    images = confidence.shape[-1]
    flat = np.broadcast_to(np.arange(images), confidence.shape).ravel() * bins + at.ravel()
    gaps = np.bincount(flat, weights=(confidence - correct).ravel(), minlength=images * bins)
    return np.asarray(gaps.reshape(images, bins) * images / confidence.size)
