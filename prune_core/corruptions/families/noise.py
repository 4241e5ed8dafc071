"""Noise: Gaussian, shot (Poisson) and impulse (salt and pepper); speckle is among the extras."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from prune_core.corruptions.definition import SEVERITIES, Array, Draws, Images, Level, corruption, to_bytes, to_unit

_TAILS = 8  # standard deviations on either side: what lies beyond has a chance below 1e-14
_BINS = 1024


def draw_normal(generator: np.random.Generator, image: Images, level: Level) -> Draws:
    """Draw one standard normal number per value."""
    return (generator.standard_normal(image.shape),)


@corruption("gaussian_noise", ((0.04,), (0.06,), (0.08,), (0.09,), (0.10,)), draw_normal)
def gaussian_noise(images: Images, level: Level, draws: Draws) -> Images:
    """Add normal noise of a fixed standard deviation; draws: standard normal numbers."""
    noisy = draws[0] * level[0]
    noisy += to_unit(images)
    return to_bytes(noisy)


def _draw_uniform(generator: np.random.Generator, image: Images, level: Level) -> Draws:
    return (generator.random(image.shape),)


@corruption("shot_noise", ((500,), (250,), (100,), (75,), (50,)), _draw_uniform)
def shot_noise(images: Images, level: Level, draws: Draws) -> Images:
    """Replace each value by the share of photons counted; draws: one uniform number of [0, 1) per value.

    The count is the inverse of the Poisson distribution of mean ``value * photons`` at the uniform number.
    """
    return to_bytes(poisson_counts(images, level[0], draws[0]) / level[0])


def poisson_counts(images: Images, photons: float, uniform: Array) -> NDArray[np.int64]:
    """Return Poisson counts of mean ``value / 255 * photons``: the inverse of the distribution at uniform numbers of [0, 1).

    There are only 256 means, so the distributions are tables: several times as fast as drawing each count by itself.
    """
    lowest, guide, below = _count_tables(photons)
    values, level = images.ravel().astype(np.int64), uniform.ravel()
    steps = guide.take(values * _BINS + (level * _BINS).astype(np.int64))
    columns = below.shape[1]
    short = np.flatnonzero(below.take(values * columns + steps) <= level)
    while len(short):
        steps[short] += 1
        short = short[below.take(values[short] * columns + steps[short]) <= level[short]]
    return (lowest.take(values) + steps).reshape(images.shape)


@lru_cache(maxsize=len(SEVERITIES))
def _count_tables(photons: float) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return, of each of the 256 means, the lowest count, where each bin of uniform numbers starts, and the distribution."""
    from scipy.special import pdtr

    means = np.arange(256) / 255.0 * photons
    lowest = np.maximum(np.floor(means - _TAILS * np.sqrt(means)) - _TAILS, 0).astype(np.int64)
    columns = int((np.ceil(means + _TAILS * np.sqrt(means)) + 2 * _TAILS - lowest).max()) + 1
    below = pdtr(lowest[:, None] + np.arange(columns), means[:, None])
    below[:, -1] = 1.0
    bins = np.arange(_BINS) / _BINS
    guide = np.stack([np.searchsorted(row, bins, side="right") for row in below])
    return lowest, guide, below


def _draw_impulses(generator: np.random.Generator, image: Images, level: Level) -> Draws:
    return (generator.random(image.shape, dtype=np.float32), generator.random(image.shape, dtype=np.float32))


@corruption("impulse_noise", ((0.01,), (0.02,), (0.03,), (0.05,), (0.07,)), _draw_impulses)
def impulse_noise(images: Images, level: Level, draws: Draws) -> Images:
    """Set a share of the values, each channel by itself, to 0 or 255, half each; draws: two uniform numbers per value."""
    hit, side = draws
    extreme = np.where(side < 0.5, np.uint8(255), np.uint8(0))
    return np.where(hit < level[0], extreme, images)
