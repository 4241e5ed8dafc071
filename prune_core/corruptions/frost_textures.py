"""Five pictures of ice, made by code: the official ones are photographs of others, which we may not ship.

Each is a film of ice of uneven thickness, crossed by bright crystals that grow along directions of their own, over darker
glass; bluish, of about the contrast of frost on a window. Fixed seeds: the same pictures everywhere.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SIDE = 160
COUNT = 5
_TINT = np.array([0.90, 0.96, 1.0])


@lru_cache(maxsize=1)
def frost_textures() -> NDArray[np.uint8]:
    """Return the pictures ``(5, 160, 160, 3)`` uint8, read-only."""
    pictures = np.stack([_picture(number) for number in range(COUNT)])
    pictures.flags.writeable = False
    return pictures


def _picture(number: int) -> NDArray[np.uint8]:
    generator = np.random.Generator(np.random.PCG64(1_000 + number))
    film = _ranked(_cloud(generator, 18.0, 18.0, 0.0))
    ice = np.zeros((SIDE, SIDE))
    for direction in generator.uniform(0, 180, size=3):
        # Ridges of a field stretched along one direction: long, thin, branching where two directions meet.
        field = _ranked(_cloud(generator, 9.0, 1.1, float(direction)))
        ridge = 1 - np.abs(2 * field - 1)
        ice = np.maximum(ice, ridge ** (5 + 3 * generator.random()))
    grain = _ranked(_cloud(generator, 0.7, 0.7, 0.0))
    value = 0.08 + 0.62 * film**1.3 + 0.42 * ice * (0.30 + 0.70 * film) + 0.16 * (grain - 0.5)
    picture = np.clip(value, 0, 1)[..., None] ** (1 / np.array([0.94, 0.98, 1.03]))
    colours: NDArray[np.uint8] = (picture * _TINT * 255).astype(np.uint8)
    return colours


def _cloud(generator: np.random.Generator, along: float, across: float, degrees: float) -> NDArray[np.float64]:
    """Return smooth noise whose correlation is ``along`` pixels in one direction and ``across`` in the other; it wraps."""
    frequency = np.fft.fftfreq(SIDE) * 2 * np.pi
    rows, columns = np.meshgrid(frequency, frequency, indexing="ij")
    angle = np.deg2rad(degrees)
    first, second = columns * np.cos(angle) + rows * np.sin(angle), rows * np.cos(angle) - columns * np.sin(angle)
    gain = np.exp(-((first * along) ** 2 + (second * across) ** 2) / 2)
    spectrum = np.fft.fft2(generator.random((SIDE, SIDE)) - 0.5) * gain
    return np.asarray(np.fft.ifft2(spectrum).real)


def _ranked(field: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the field with its values replaced by their ranks, 0 to 1: the same contrast whatever the noise was."""
    ranks = np.empty(field.size)
    ranks[field.ravel().argsort(kind="stable")] = np.linspace(0, 1, field.size)
    return ranks.reshape(field.shape)
