"""Elastic transform: a random affine map, then a smooth random displacement."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from prune_core.corruptions.definition import Array, Draws, Images, Level, corruption, to_bytes
from prune_core.corruptions.linear import gaussian

_REACH = 3  # how many sides outside the image a position can be: the constants allow less than one


def _draw_elastic(generator: np.random.Generator, image: Images, level: Level) -> Draws:
    corners = generator.uniform(-1, 1, size=(3, 2))
    if level[0] == 0:
        return (corners,)
    return corners, generator.uniform(-1, 1, size=(2, *image.shape[:2]))


@corruption(
    "elastic_transform",
    ((0, 0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03)),
    _draw_elastic,
)
def elastic_transform(images: Images, level: Level, draws: Draws) -> Images:
    """Move three points and the image with them, then each pixel by a smoothed displacement.

    Draws: numbers of -1 to 1: ``(n, 3, 2)`` for the points (x, y), and ``(n, 2, H, W)`` for the displacements along x and y
    (none at severity 1). Level, as fractions of the side: displacement, its smoothing, movement of the points.
    """
    height, width = images.shape[1:3]
    side = min(height, width)
    unit = images.astype(np.float32) / np.float32(255)
    warped = warp_affine(unit, affine_maps(draws[0] * (level[2] * side), height, width))
    if level[0] == 0:
        return to_bytes(warped)
    fields = draws[1].reshape(-1, height, width)
    smooth = gaussian(fields, level[1] * side, border="reflect", truncate=3.0) * (level[0] * side)
    return to_bytes(displace(warped, smooth.astype(np.float32).reshape(-1, 2, height, width)))


def affine_maps(shifts: Array, height: int, width: int) -> NDArray[np.float64]:
    """Return the maps ``(n, 2, 3)`` from output to input pixels that move three points by ``shifts (n, 3, 2)`` pixels."""
    middle = np.array([width // 2, height // 2], dtype=np.float64)
    reach = min(height, width) // 3
    points = middle + reach * np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
    before = np.concatenate([points, np.ones((3, 1))], axis=1)
    forward = (np.linalg.inv(before) @ (points + shifts)).transpose(0, 2, 1)
    backward = np.linalg.inv(forward[:, :, :2])
    return np.concatenate([backward, -backward @ forward[:, :, 2:]], axis=2)


def warp_affine(batch: NDArray[np.float32], maps: Array) -> NDArray[np.float32]:
    """Return the batch ``(n, H, W, C)`` read at ``maps`` of each pixel, bilinear, mirrored without repeating the edge."""
    height, width = batch.shape[1:3]
    right, down = np.arange(width), np.arange(height)[:, None]
    columns, rows = (
        maps[:, axis, 0, None, None] * right + maps[:, axis, 1, None, None] * down + maps[:, axis, 2, None, None]
        for axis in (0, 1)
    )
    return _bilinear(batch, rows, columns, _mirrored)


def displace(batch: NDArray[np.float32], field: Array) -> NDArray[np.float32]:
    """Return the batch read at each pixel plus ``field (n, 2, H, W)`` (x, y), bilinear, mirrored with the edge repeated."""
    height, width = batch.shape[1:3]
    rows = np.arange(height, dtype=np.float64)[:, None] + field[:, 1]
    columns = np.arange(width, dtype=np.float64) + field[:, 0]
    return _bilinear(batch, rows, columns, _mirrored_with_edge)


def _mirrored(index: Array, size: int) -> Array:
    folded = np.abs(index) % (2 * size - 2)
    return np.asarray(np.minimum(folded, 2 * size - 2 - folded))


def _mirrored_with_edge(index: Array, size: int) -> Array:
    folded = index % (2 * size)
    return np.asarray(np.minimum(folded, 2 * size - 1 - folded))


def _bilinear(
    batch: NDArray[np.float32], rows: Array, columns: Array, fold: Callable[[Array, int], Array]
) -> NDArray[np.float32]:
    """Return the batch read at ``rows`` and ``columns (n, H, W)``; ``fold`` brings whole positions back inside."""
    count, height, width, channels = batch.shape
    values = batch.reshape(-1, channels)
    start = (np.arange(count) * (height * width))[:, None, None]
    top, left = np.floor(rows), np.floor(columns)
    down, right = (rows - top).astype(np.float32)[..., None], (columns - left).astype(np.float32)[..., None]
    upper_line, lower_line = (start + line * width for line in _neighbours(top, height, fold))
    left_place, right_place = _neighbours(left, width, fold)
    upper = _between(values, upper_line + left_place, upper_line + right_place, right)
    lower = _between(values, lower_line + left_place, lower_line + right_place, right)
    lower -= upper
    lower *= down
    upper += lower
    return upper


def _neighbours(position: Array, size: int, fold: Callable[[Array, int], Array]) -> tuple[Array, Array]:
    """Return the pixel at each whole position and the next one, folded; a table is quicker than to fold each."""
    reach = _REACH * size
    table = fold(np.arange(-reach, size + reach), size)
    places = position.astype(np.int64) + reach
    return table.take(places, mode="clip"), table.take(places + 1, mode="clip")


def _between(values: NDArray[np.float32], first: Array, second: Array, share: Array) -> NDArray[np.float32]:
    """Return the values at ``first`` and ``second``, mixed by the share of the second."""
    result = values.take(first, axis=0)
    step = values.take(second, axis=0)
    step -= result
    step *= share
    result += step
    return result
