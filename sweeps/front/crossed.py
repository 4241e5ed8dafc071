"""How uncertain the means of few seeds are: seeds and base images crossed, pooled over what was compared alike.

Three things make a mean difference look surer than it is. Five seeds have a small scatter by luck, so a comparison borrows
from the others of its family (moderated variances, Smyth 2004, Stat. Appl. Genet. Mol. Biol. 3:3); its own scatter counts
half where it is larger: in skewed noise small scatter and extreme means come together. Metrics that count images move in
steps of one image, so equal differences are common and their scatter is 0: a net change of k images has at least k images
behind it, and their number varies like a count. And the images are a sample too, the same for every seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, zeta

from sweeps.front.image_noise import main_effect

Array = NDArray[np.float64]
_SAME = 1e-12
"""Numbers closer than this are one number: what is left of rounding is no step of a lattice."""
_NEAR = 0.01
"""How far from a multiple of the step, in steps, a number on a lattice may be for rounding."""
_MANY = 1e6
"""Degrees of freedom that stand for "known"."""


@dataclass(frozen=True)
class Crossed:
    """The means of G comparisons of one family, and what is known of their errors.

    Attributes:
        mean: ``(G,)``; NaN for a row without a value.
        error: ``(G,)`` standard errors over the seeds, floors included; NaN for fewer than two seeds.
        freedom: ``(G,)`` degrees of freedom of ``error``.
        seeds: ``(G,)`` how many values a mean has.
        images: ``(G,)`` what the choice of base images adds to ``error``, a standard error; NaN where it is not known.
    """

    mean: Array
    error: Array
    freedom: Array
    seeds: NDArray[np.int64]
    images: Array


def crossed(values: Array, noise: Array | None = None) -> Crossed:
    """Estimate the errors of the means of G comparisons that were made alike: one metric, one kind of contrast.

    Args:
        values: ``(G, S)`` one difference per seed, NaN where a seed is missing.
        noise: ``(G, S, R)`` how far each would be off on R resampled sets of base images; None, or NaN at a value that
            counts, where that is not known.
    """
    known = np.isfinite(values)
    seeds = known.sum(axis=1)
    count = np.maximum(seeds, 1)
    mean = np.where(seeds > 0, np.where(known, values, 0.0).sum(axis=1) / count, np.nan)
    own = np.where(known, values - mean[:, None], 0.0)
    variance = (own**2).sum(axis=1) / np.maximum(count - 1, 1)
    floor = lattice_variance(values, mean, count)
    variance = np.maximum(variance, floor)
    variance[seeds < 2] = np.nan
    shared, freedom = _moderated(variance, np.maximum(seeds - 1, 1), own[:, known.all(axis=0)])
    error = np.sqrt(np.maximum(np.maximum(shared, (variance + shared) / 2), floor) / count)
    images = np.full(len(values), np.nan) if noise is None else _of_images(noise, known, error)
    return Crossed(mean, error, freedom, seeds, images)


def lattice_variance(values: Array, mean: Array, count: NDArray[np.int64]) -> Array:
    """Return the least variance over seeds that differences on a lattice have, ``(G,)``; 0 for continuous ones.

    A net change of k of n images is the difference of two counts that sum to k at least, and such a difference varies by
    ``k (1 - k / n)`` at least (McNemar 1947). Without any change, one in all seeds was all but seen (a count of 0 goes with
    an expectation of 1).
    """
    step = lattice_step(np.abs(values))
    share = np.minimum(np.abs(np.nan_to_num(mean)), 1.0)
    return np.asarray(np.maximum(share * (1.0 - share) * step, step**2 / count))


def lattice_step(values: Array) -> float:
    """Return the step of numbers that count images: the smallest gap between two of them, 0 among them.

    Numbers count where some other than 0 are equal, which measured ones never are, or where all are multiples of the
    smallest gap; else, and where all are 0, the step is 0.
    """
    known = values[np.isfinite(values)]
    same = _SAME * max(1.0, float(np.abs(known).max(initial=0.0)))
    levels = np.sort(known[np.abs(known) > same])
    if not len(levels):
        return 0.0
    gaps = np.diff(levels)
    step = float(min(gaps[gaps > same].min(initial=np.inf), np.abs(levels).min()))
    away = np.abs(levels / step - np.round(levels / step))
    return step if bool((gaps <= same).any()) or bool((away < _NEAR).all()) else 0.0


def _of_images(noise: Array, known: NDArray[np.bool_], error: Array) -> Array:
    """Return what images add, ``(G,)``: what they do to all seeds alike, and never less in all than they do to the mean.

    Args:
        noise: ``(G, S, R)``.
        known: ``(G, S)`` which values count.
        error: ``(G,)`` of the means, over the seeds.
    """
    result = np.full(len(known), np.nan)
    whole = bool(known.all())
    patterns, kind = (known[:1], np.zeros(len(known), int)) if whole else np.unique(known, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        rows = np.flatnonzero(kind.ravel() == number)
        moved = noise if whole else noise[np.ix_(rows, np.flatnonzero(pattern))]
        if pattern.any():
            all_of_it = (moved.mean(axis=1) ** 2).mean(axis=-1)
            result[rows] = np.sqrt(np.maximum(main_effect(moved), all_of_it - np.nan_to_num(error[rows]) ** 2))
    return result


def _moderated(variance: Array, freedom: NDArray[np.int64], residuals: Array) -> tuple[Array, Array]:
    """Return variances shrunk to what the family has in common, and their degrees of freedom, each ``(G,)``.

    Args:
        variance: ``(G,)``, NaN where there is none.
        freedom: ``(G,)``.
        residuals: ``(G, S')`` around the means, of the seeds that all comparisons have.
    """
    own = freedom.astype(float)
    at = np.flatnonzero(variance > 0)
    shape = freedom[at].min() if len(at) else 0
    if len(at) < 2 or residuals.shape[1] < 2:
        return variance, own
    typical, agreement = _prior(variance[at], own[at])
    # A row's own scatter is in the typical one too, and must not count twice: the others bring what is beyond it.
    others = max(_pooled_freedom(residuals[at], int(shape)) - float(shape), 1e-6)
    weight = 1.0 / (1.0 / agreement + 1.0 / others)
    shrunk = (weight * typical + own * variance) / (weight + own)
    return shrunk, np.where(variance > 0, np.minimum(own + weight, _MANY), own)


def _prior(variance: Array, freedom: Array) -> tuple[float, float]:
    """Return the typical variance and the degrees of freedom that say how alike variances are (Smyth 2004, section 6.2)."""
    half = freedom / 2
    logs = np.log(variance) - digamma(half) + np.log(half)
    excess = float(logs.var(ddof=1) - zeta(2.0, half).mean())
    if excess <= 0:
        return float((freedom * variance).sum() / freedom.sum()), _MANY
    agreement = 2.0 * _inverse_trigamma(excess)
    return float(np.exp(logs.mean() + digamma(agreement / 2) - np.log(agreement / 2))), min(agreement, _MANY)


def _inverse_trigamma(value: float) -> float:
    """Solve ``trigamma(x) = value`` by Newton's method on its reciprocal, which is convex (Smyth 2004, appendix)."""
    at = 0.5 + 1.0 / value
    for _ in range(50):
        slope = float(zeta(2.0, at))  # of which the derivative is -2 zeta(3, x)
        step = -slope * (1.0 - slope / value) / (2.0 * float(zeta(3.0, at)))
        at += step
        if abs(step) < 1e-9 * at:
            break
    return at


def _pooled_freedom(residuals: Array, least: int) -> float:
    """Return the degrees of freedom of the mean variance of comparisons that may share seeds' luck, a control above all.

    What all share varies with the seeds alone, the rest with seeds and comparisons: the two mean squares are combined as
    Satterthwaite (1946) does. G independent comparisons have ``G d``, G copies of one have ``d``.
    """
    rows, seeds = residuals.shape
    scale = np.sqrt((residuals**2).sum(axis=1, keepdims=True))
    alike = residuals / np.where(scale > 0, scale, 1.0)  # a wide one must not speak for all
    free = max(seeds - 1, least)
    common = float((alike.mean(axis=0) ** 2).sum()) / free
    rest = max(float((alike**2).sum()) / (rows * free) - common, 0.0)
    if common + rest == 0:
        return float(free)
    return float((common + rest) ** 2 / (common**2 / free + rest**2 / ((rows - 1) * free)))
