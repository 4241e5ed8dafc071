"""What the splashes of spatter need: edges, distances to them, an even histogram; as OpenCV defines them, in batches."""

from __future__ import annotations

from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from prune_core.corruptions.definition import Array

_TAN_22 = 13573  # tangent of 22.5 degrees times 2**15
_STRAIGHT, _DIAGONAL, _KNIGHT = (round(length * 65536) for length in (1.0, 1.4, 2.1969))


def _around(batch: Array, row: int, column: int, reach: int = 1) -> Array:
    """Return, out of a batch padded by ``reach``, the unpadded view shifted by ``row`` and ``column``."""
    height, width = batch.shape[1] - 2 * reach, batch.shape[2] - 2 * reach
    return batch[:, reach + row : reach + row + height, reach + column : reach + column + width]


def pad(batch: Array, reach: int, mode: Literal["edge", "reflect", "constant"]) -> Array:
    """Return the batch ``(n, H, W)`` with a border of ``reach`` pixels."""
    return np.asarray(np.pad(batch, ((0, 0), (reach, reach), (reach, reach)), mode=mode))


def canny(layers: NDArray[np.uint8], low: int, high: int) -> NDArray[np.bool_]:
    """Return the edges ``(n, H, W)`` of grey layers: Sobel 3x3, sum of absolute gradients, thinned, with hysteresis."""
    from scipy.ndimage import label

    padded = pad(layers.astype(np.int32), 1, "edge")
    smooth = (1, 2, 1)
    across = sum(w * (_around(padded, r, 1) - _around(padded, r, -1)) for r, w in zip((-1, 0, 1), smooth, strict=True))
    down = sum(w * (_around(padded, 1, c) - _around(padded, -1, c)) for c, w in zip((-1, 0, 1), smooth, strict=True))
    across, down = np.asarray(across), np.asarray(down)
    strength = np.abs(across) + np.abs(down)
    rim = pad(strength, 1, "constant")
    flat, steep = np.abs(across) * _TAN_22, np.abs(down) << 15
    horizontal = (strength > _around(rim, 0, -1)) & (strength >= _around(rim, 0, 1))
    vertical = (strength > _around(rim, -1, 0)) & (strength >= _around(rim, 1, 0))
    falling = (strength > _around(rim, -1, -1)) & (strength > _around(rim, 1, 1))
    rising = (strength > _around(rim, -1, 1)) & (strength > _around(rim, 1, -1))
    slanted = np.where((across ^ down) < 0, rising, falling)
    peak = np.where(steep < flat, horizontal, np.where(steep > flat + (np.abs(across) << 16), vertical, slanted))
    edge = peak & (strength > low)
    touching = np.zeros((3, 3, 3), dtype=bool)
    touching[1] = True
    pieces, _ = label(edge, structure=touching)
    strong = np.unique(pieces[edge & (strength > high)])
    return np.asarray(np.isin(pieces, strong[strong > 0]))


def distance(edges: NDArray[np.bool_], farthest: float) -> NDArray[np.float32]:
    """Return the distance ``(n, H, W)`` to the nearest edge, at most ``farthest``: steps of 1, 1.4 and 2.1969."""
    limit = round(farthest * 65536)
    steps = [(offset, _step(*offset)) for offset in product(range(-2, 3), repeat=2) if _step(*offset)]
    current = np.where(edges, 0, limit).astype(np.int32)
    while True:
        padded = np.pad(current, ((0, 0), (2, 2), (2, 2)), constant_values=limit)
        nearer = current.copy()
        for (row, column), length in steps:
            np.minimum(nearer, _around(padded, row, column, reach=2) + length, out=nearer)
        if np.array_equal(nearer, current):
            result: NDArray[np.float32] = (current / 65536).astype(np.float32)
            return result
        current = nearer


def _step(row: int, column: int) -> int:
    """Return the length of a step of the mask; 0 for one that it does not have."""
    near, far = sorted((abs(row), abs(column)))
    return {(0, 1): _STRAIGHT, (1, 1): _DIAGONAL, (1, 2): _KNIGHT}.get((near, far), 0)


def box_mean(batch: Array) -> NDArray[np.float64]:
    """Return the mean over 3x3 pixels, mirrored without repeating the edge."""
    padded = pad(batch.astype(np.float64), 1, "reflect")
    total = sum(_around(padded, row, column) for row, column in product((-1, 0, 1), repeat=2))
    return np.asarray(total) * (1 / 9)


def equalise(layers: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the layers ``(n, H, W)`` with an even histogram, each by itself; a flat layer stays as it is."""
    count, size = len(layers), layers[0].size
    flat = layers.reshape(count, -1)
    places = flat + 256 * np.arange(count)[:, None]
    histogram = np.bincount(places.ravel(), minlength=256 * count).reshape(count, 256)
    lowest = flat.min(axis=1)
    first = histogram[np.arange(count), lowest]
    above = np.cumsum(histogram, axis=1) - first[:, None]
    scale = np.float32(255) / np.maximum(size - first, 1).astype(np.float32)
    table = np.clip(np.rint(above.astype(np.float32) * scale[:, None]), 0, 255).astype(np.uint8)
    even = table.ravel()[places].reshape(layers.shape)
    return np.where((first == size)[:, None, None], layers, even)
