"""What the true means of candidates may be, given noisy ones: empirical Bayes, one objective and network at a time.

The best of many noisy means is too good, and means drawn around the observed ones scatter twice: once in the observing, once
in the drawing. So the observed means are pulled towards what candidates of the same cost have in common, as far as the
study itself says that candidates agree: a local linear trend over the logarithm of the cost, and around it a mixture of
normal distributions whose weights are fitted (adaptive shrinkage, Stephens 2017, Biostatistics). Where methods differ by
much more than the noise, nothing is pulled; where they differ by less, nearly all of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_WIDTHS = (0.35, 0.7, 1.4, np.inf)
"""Of the trend's window, in units of log cost; leaving each candidate out decides. A halving of the cost is 0.69."""
_SCALES = np.concatenate([[0.01], 2.0 ** np.arange(-3, 7)])
"""Of the mixture's normal distributions, in units of the typical standard error."""
_FOR_AGREEMENT = 1.0
"""Pseudo-observations for the narrowest of them; Stephens takes 10, to discover less that is false."""
_STEPS = 60


def draw_true_means(
    observed: Array, error: Array, place: Array, arm: NDArray[np.int64], noises: tuple[Array, Array, Array]
) -> Array:
    """Draw what the true means of C candidates may be.

    Args:
        observed: ``(C,)`` means.
        error: ``(C,)`` their standard errors; where all are 0 the observed means are the true ones.
        place: ``(C,)`` logarithm of the cost.
        arm: ``(C,)`` the number of each candidate's arm.
        noises: ``(D, C)`` standard normal numbers for the trend, the same for the candidates, and uniform ones.

    Returns:
        ``(D, C)``.
    """
    for_trend, for_each, uniform = noises
    typical = float(np.median(error[error > 0])) if (error > 0).any() else 0.0
    if typical == 0.0:
        return np.broadcast_to(observed, for_each.shape).copy()
    error = np.where(error > 0, error, 1e-6 * typical)
    smoother = _smoother(observed, error, place, typical)
    smoother = smoother + _arm_offsets(observed - smoother @ observed, error, arm, typical) @ (np.eye(len(arm)) - smoother)
    lever = np.diag(smoother)
    rest = observed - smoother @ observed
    scales = typical * _SCALES
    weights = _mixture(rest / np.sqrt(np.maximum(1.0 - lever, 0.2)), error, scales)
    # The trend is itself uncertain: it is drawn too, and what is left around it shrinks anew.
    trend = smoother @ observed + (for_trend * error) @ smoother.T
    rest = observed - trend
    variance = error[:, None] ** 2 + scales**2
    fit = -0.5 * rest[..., None] ** 2 / variance - 0.5 * np.log(variance) + np.log(weights)
    shares = np.exp(fit - fit.max(axis=-1, keepdims=True)).cumsum(axis=-1)
    chosen = (uniform[..., None] * shares[..., -1:] > shares).sum(axis=-1)
    kept = np.take_along_axis(np.broadcast_to(scales**2 / variance, shares.shape), chosen[..., None], axis=-1)[..., 0]
    return np.asarray(trend + kept * rest + np.sqrt(kept) * error * for_each)


def _smoother(observed: Array, error: Array, place: Array, typical: float) -> Array:
    """Return the matrix that turns observed means into their local linear trend, robust against collapsed networks."""
    best, chosen = np.inf, np.eye(len(observed))
    for width in _WIDTHS:
        trust = np.ones(len(observed))
        for _ in range(3):
            matrix = _local_lines(place, trust / (error**2 + typical**2), width)
            rest = observed - matrix @ observed
            usual = 3.0 * (1.4826 * float(np.median(np.abs(rest))) + 0.3 * typical)
            trust = 1.0 / (1.0 + (rest / usual) ** 2)
        left_out = rest / np.maximum(1.0 - np.diag(matrix), 0.05)
        loss = float(np.log1p((left_out / (2.0 * np.hypot(error, typical))) ** 2).mean())
        if loss < best:
            best, chosen = loss, matrix
    return chosen


def _arm_offsets(rest: Array, error: Array, arm: NDArray[np.int64], typical: float) -> Array:
    """Return the matrix that turns what the trend leaves into the offset of each arm, as far as arms differ.

    Their variance is estimated by the method of moments of DerSimonian and Laird (1986); weights are robust as above.
    """
    usual = 3.0 * (1.4826 * float(np.median(np.abs(rest))) + 0.3 * typical)
    weights = 1.0 / (error**2 + typical**2) / (1.0 + (rest / usual) ** 2)
    member = (arm[None, :] == np.unique(arm)[:, None]) * weights
    mean = member / member.sum(axis=1, keepdims=True)
    offset, variance = mean @ rest, (mean**2) @ error**2
    precision = 1.0 / variance
    centre = (precision @ offset) / precision.sum()
    excess = float(precision @ (offset - centre) ** 2) - (len(offset) - 1)
    scale = float(precision.sum() - (precision**2).sum() / precision.sum())
    between = max(excess / scale, 0.0) if scale > 0 else 0.0
    kept = between / (between + variance)
    return np.asarray((kept[:, None] * mean)[np.searchsorted(np.unique(arm), arm)])


def _local_lines(place: Array, weights: Array, width: float) -> Array:
    apart = place[None, :] - place[:, None]
    near = weights * np.exp(-0.5 * (apart / width) ** 2)
    none, one, two = near.sum(axis=1), (near * apart).sum(axis=1), (near * apart**2).sum(axis=1)
    two = two + 1e-4 * none  # candidates of one cost have no slope
    return np.asarray(near * (two[:, None] - one[:, None] * apart) / (none * two - one**2)[:, None])


def _mixture(rest: Array, error: Array, scales: Array) -> Array:
    """Return the weights of normal distributions of these scales, by expectation and maximisation."""
    from scipy.special import logsumexp  # 0.13 s of CPU, where it is asked

    variance = error[:, None] ** 2 + scales**2
    fit = -0.5 * rest[:, None] ** 2 / variance - 0.5 * np.log(variance)
    prior = np.full(len(scales), 1.0 / len(scales))
    prior[0] += _FOR_AGREEMENT
    weights = np.full(len(scales), 1.0 / len(scales))
    for _ in range(_STEPS):
        joint = fit + np.log(weights)
        counts = np.exp(joint - logsumexp(joint, axis=1, keepdims=True)).sum(axis=0) + prior
        weights = counts / counts.sum()
    return np.asarray(weights)
