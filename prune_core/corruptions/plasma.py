"""Fractal clouds by the diamond-square algorithm, for a whole batch at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from prune_core.corruptions.definition import Array

_FIRST_AMPLITUDE = 100.0


def map_side(height: int, width: int) -> int:
    """Return the side of the smallest map, a power of two, that covers an image (32 for CIFAR, as in the official files)."""
    return 1 << int(np.ceil(np.log2(max(height, width))))


def plasma(uniform: Array, decay: float) -> NDArray[np.float64]:
    """Return clouds of range 0 to 1.

    Args:
        uniform: ``(n, side * side - 1)`` numbers of -1 to 1, used in this order: for each level from coarse to fine the
            centres of the squares, the middles of the horizontal edges, the middles of the vertical edges, row by row.
        decay: What the amplitude is divided by from level to level; the noise is the amplitude squared.

    Returns:
        ``(n, side, side)`` float64; the map wraps around.
    """
    count = len(uniform)
    side = int(np.sqrt(uniform.shape[1] + 1))
    heights = np.zeros((count, side, side))
    amplitude, used, step = _FIRST_AMPLITUDE, 0, side
    while step >= 2:
        half, cells = step // 2, (side // step) ** 2

        def noise(number: int, scale: float = amplitude**2, cells: int = cells, used: int = used, step: int = step) -> Array:
            part = uniform[:, used + number * cells : used + (number + 1) * cells]
            return scale * part.reshape(count, side // step, side // step)

        corners = heights[:, ::step, ::step]
        square = corners + np.roll(corners, -1, axis=1)
        square = square + np.roll(square, -1, axis=2)
        heights[:, half::step, half::step] = square / 4 + noise(0)
        centres = heights[:, half::step, half::step]
        across = centres + np.roll(centres, 1, axis=1) + corners + np.roll(corners, -1, axis=2)
        heights[:, ::step, half::step] = across / 4 + noise(1)
        down = centres + np.roll(centres, 1, axis=2) + corners + np.roll(corners, -1, axis=1)
        heights[:, half::step, ::step] = down / 4 + noise(2)
        used += 3 * cells
        step, amplitude = half, amplitude / decay
    heights -= heights.min(axis=(1, 2), keepdims=True)
    heights /= heights.max(axis=(1, 2), keepdims=True)
    return heights
