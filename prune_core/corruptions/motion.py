"""ImageMagick's motion blur, which the official generator called: a one-sided tail along a direction."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from prune_core.corruptions.definition import Array, Images

_NEGLIGIBLE = 1e-7
_HALF_A_QUANTUM = 0.5 / 257  # ImageMagick rounds to 16 bits first: keeps a flat region flat under the truncation


def motion_blur(images: Images, radius: float, sigma: float, angles: Array) -> Images:
    """Return the images blurred along their own directions.

    Args:
        images: ``(n, H, W, C)`` uint8.
        radius: The tail is ``2 ceil(radius) + 1`` pixels long.
        sigma: Of the half Gaussian that weighs the tail, in pixels.
        angles: ``(n,)`` in degrees, from the x axis towards the y axis (downwards).

    Returns:
        ``(n, H, W, C)`` uint8, truncated as ImageMagick does; edges are repeated.
    """
    count, height, width, channels = images.shape
    weights = _tail(radius, sigma)
    reach = len(weights) - 1
    columns, rows = tap_offsets(len(weights), angles)
    edges = ((0, 0), (reach, reach), (reach, reach), (0, 0))
    padded = np.pad(images.astype(np.float32), edges, mode="edge").reshape(count, height + 2 * reach, -1)
    windows = sliding_window_view(padded, (height, width * channels), axis=(1, 2))
    result = np.empty((count, height * width * channels), dtype=np.float32)
    for index in range(count):
        taps = windows[index, rows[index] + reach, (columns[index] + reach) * channels]
        np.matmul(weights, taps.reshape(len(weights), -1), out=result[index])
    result += np.float32(_HALF_A_QUANTUM)
    return result.astype(np.uint8).reshape(images.shape)


def tap_offsets(count: int, angles: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the column and row offsets ``(n, count)`` of the taps, half-way points towards the lower one."""
    steps = np.arange(count)
    radians = np.deg2rad(angles)[:, None]
    columns = np.ceil(steps * np.cos(radians) - 0.5).astype(np.int64)
    rows = np.ceil(steps * np.sin(radians) - 0.5).astype(np.int64)
    return columns, rows


def _tail(radius: float, sigma: float) -> NDArray[np.float32]:
    steps = np.arange(2 * int(np.ceil(radius)) + 1)
    weights = np.exp(-(steps**2) / (2.0 * sigma**2))
    weights /= weights.sum()
    kept: NDArray[np.float32] = weights[weights > _NEGLIGIBLE].astype(np.float32)
    return kept
