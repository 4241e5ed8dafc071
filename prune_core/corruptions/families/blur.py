"""Blurs: defocus, frosted glass, motion, zoom; the Gaussian one is among the extras."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prune_core.corruptions.definition import Draws, Images, Level, corruption, to_bytes, to_unit
from prune_core.corruptions.linear import gaussian, zoom_matrix
from prune_core.corruptions.motion import motion_blur as blur_along

_UNIT = 2.0**40


@lru_cache(maxsize=16)
def disk_kernel(radius: float, alias_sigma: float) -> NDArray[np.float64]:
    """Return a disk smoothed by a 3x3 Gaussian, as small as it is not zero; sums to 1."""
    reach = int(np.floor(radius)) + 1
    axis = np.arange(-reach, reach + 1)
    disk = (axis[:, None] ** 2 + axis[None, :] ** 2 <= radius**2).astype(np.float64)
    disk /= disk.sum()
    line = np.exp(-(np.array([-1.0, 0.0, 1.0]) ** 2) / (2 * alias_sigma**2))
    line /= line.sum()
    smooth = np.stack([np.convolve(row, line, mode="same") for row in disk])
    return np.stack([np.convolve(column, line, mode="same") for column in smooth.T]).T


@corruption("defocus_blur", ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)))
def defocus_blur(images: Images, level: Level, draws: Draws) -> Images:
    """Blur with a disk; the border is mirrored without repeating the edge."""
    radius, alias_sigma = level
    kernel = disk_kernel(radius, alias_sigma)
    reach = kernel.shape[0] // 2
    height, width = images.shape[1:3]
    padded = np.pad(to_unit(images), ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="reflect")
    result = np.zeros(images.shape)
    for (row, column), weight in np.ndenumerate(kernel):
        if weight > 1e-12:
            result += weight * padded[:, row : row + height, column : column + width]
    return to_bytes(result)


def _draw_shifts(generator: np.random.Generator, image: Images, level: Level) -> Draws:
    height, width = image.shape[:2]
    return (generator.integers(-1, 1, size=(int(level[2]), height - 2, width - 2, 2), dtype=np.int8),)


@corruption("glass_blur", ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)), _draw_shifts)
def glass_blur(images: Images, level: Level, draws: Draws) -> Images:
    """Blur, let each pixel take the value of a neighbour above or left of it, blur again.

    Draws: ``(n, passes, H - 2, W - 2, 2)`` of -1 and 0, the shifts (x, y) of the pixels from row and column 2 on. The
    official script meant to swap pixels, but what it does is to copy (its two names are views of one array); scanned from
    the lower right, no source has been written yet when it is read, so that a pass is one gather.
    """
    sigma, _, passes = level
    count, height, width, channels = images.shape
    pixels = _softened(images, sigma)
    start = np.arange(count)[:, None, None] * (height * width)
    own = start + np.arange(2, height)[:, None] * width + np.arange(2, width)
    for number in range(int(passes)):
        shifts = draws[0][:, number]
        source = own + shifts[..., 1] * np.int64(width) + shifts[..., 0]
        moved = pixels.copy()
        moved[:, 2:, 2:] = pixels.reshape(-1, channels).take(source, axis=0)
        pixels = moved
    return _softened(pixels, sigma)


def _softened(images: Images, sigma: float) -> Images:
    """Return the images blurred, or as they are where the kernel is one pixel wide."""
    return images if int(4.0 * sigma + 0.5) == 0 else to_bytes(gaussian(to_unit(images), sigma))


def _draw_direction(generator: np.random.Generator, image: Images, level: Level) -> Draws:
    return (np.asarray(generator.uniform(-45, 45)),)


@corruption("motion_blur", ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)), _draw_direction)
def motion_blur(images: Images, level: Level, draws: Draws) -> Images:
    """Blur along a direction of -45 to 45 degrees; draws: the angles in degrees."""
    return blur_along(images, level[0], level[1], draws[0])


@lru_cache(maxsize=5)
def zoom_blur_matrix(height: int, width: int, end: float) -> Any:
    """Return the sparse ``(H W, H W)`` matrix: the mean of an image and its enlargements by 1, 1.01, ... ``end``.

    Its weights are whole multiples of 2**-40 and each row sums to exactly 1: sums of grey levels are then exact, so that
    neither the batch nor the processor decides a last bit, and a flat region keeps its level under the truncation.
    """
    from scipy import sparse

    factors = np.arange(1, end, 0.01)
    # The factor 1 is among them: the sharp image counts twice, as in the official files.
    total = sparse.identity(height * width, format="csr")
    for factor in factors:
        total = total + sparse.kron(zoom_matrix(height, factor), zoom_matrix(width, factor), format="csr")
    whole = (total * (_UNIT / (len(factors) + 1))).rint().tocsr()
    missing = _UNIT - np.asarray(whole.sum(axis=1)).ravel()
    whole = whole + sparse.diags(missing)
    return (whole / _UNIT).tocsr()


@corruption("zoom_blur", ((1.06,), (1.11,), (1.16,), (1.21,), (1.26,)))
def zoom_blur(images: Images, level: Level, draws: Draws) -> Images:
    """Average over enlargements; the level is where the range of factors ends (severities 1 and 2 include that end)."""
    count, height, width, channels = images.shape
    matrix = zoom_blur_matrix(height, width, level[0])
    pixels = images.reshape(count, height * width, channels).transpose(1, 0, 2).astype(np.float64)
    blurred = (matrix @ pixels.reshape(height * width, count * channels)).astype(np.uint8)
    return np.ascontiguousarray(blurred.reshape(height * width, count, channels).transpose(1, 0, 2)).reshape(images.shape)
