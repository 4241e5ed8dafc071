"""Noise: Gaussian, shot (Poisson) and impulse (salt and pepper); speckle is among the extras."""

from __future__ import annotations

import numpy as np

from prune_core.corruptions.definition import Draws, Images, Level, corruption, to_bytes, to_unit


def draw_normal(generator: np.random.Generator, image: Images, level: Level) -> Draws:
    """Draw one standard normal number per value."""
    return (generator.standard_normal(image.shape),)


@corruption("gaussian_noise", ((0.04,), (0.06,), (0.08,), (0.09,), (0.10,)), draw_normal)
def gaussian_noise(images: Images, level: Level, draws: Draws) -> Images:
    """Add normal noise of a fixed standard deviation; draws: standard normal numbers."""
    noisy = draws[0] * level[0]
    noisy += to_unit(images)
    return to_bytes(noisy)


def _draw_counts(generator: np.random.Generator, image: Images, level: Level) -> Draws:
    return (generator.poisson(to_unit(image) * level[0]),)


@corruption("shot_noise", ((500,), (250,), (100,), (75,), (50,)), _draw_counts)
def shot_noise(images: Images, level: Level, draws: Draws) -> Images:
    """Replace each value by the share of photons counted; draws: Poisson counts of mean ``value * photons``."""
    return to_bytes(draws[0] / level[0])


def _draw_impulses(generator: np.random.Generator, image: Images, level: Level) -> Draws:
    return (generator.random(image.shape, dtype=np.float32), generator.random(image.shape, dtype=np.float32))


@corruption("impulse_noise", ((0.01,), (0.02,), (0.03,), (0.05,), (0.07,)), _draw_impulses)
def impulse_noise(images: Images, level: Level, draws: Draws) -> Images:
    """Set a share of the values, each channel by itself, to 0 or 255, half each; draws: two uniform numbers per value."""
    hit, side = draws
    extreme = np.where(side < 0.5, np.uint8(255), np.uint8(0))
    return np.where(hit < level[0], extreme, images)
