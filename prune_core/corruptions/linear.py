"""Blurs and zooms as small matrices: two matrix products filter an image, borders included."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from prune_core.corruptions.definition import Array


@lru_cache(maxsize=64)
def gaussian_matrix(size: int, sigma: float, border: str, truncate: float) -> NDArray[np.float64]:
    """Return the ``(size, size)`` matrix of a 1-D Gaussian filter; ``border`` as in `scipy.ndimage`."""
    from scipy.ndimage import gaussian_filter1d

    if sigma <= 0:
        return np.eye(size)
    return np.asarray(gaussian_filter1d(np.eye(size), sigma, axis=0, mode=border, truncate=truncate))


@lru_cache(maxsize=256)
def zoom_matrix(size: int, factor: float) -> NDArray[np.float64]:
    """Return the ``(size, size)`` matrix that enlarges the middle of a line by ``factor`` and cuts it to ``size``.

    As the official generator does it: the middle ``ceil(size / factor)`` pixels, a linear spline over them, the middle of
    that.
    """
    from scipy.ndimage import zoom

    inner = int(np.ceil(size / factor))
    start = (size - inner) // 2
    enlarged = zoom(np.eye(inner), (factor, 1), order=1)
    cut = (enlarged.shape[0] - size) // 2
    matrix = np.zeros((size, size))
    matrix[:, start : start + inner] = enlarged[cut : cut + size]
    return matrix


def along_both(batch: Array, rows: Array, columns: Array) -> Array:
    """Return ``rows @ plane @ columns.T`` for each plane of a batch ``(n, H, W)`` or ``(n, H, W, C)``."""
    if batch.ndim == 3:
        return np.asarray(rows @ batch @ columns.T)
    count, height, width, channels = batch.shape
    # Channels ride along in one wider product. One product per image, never one for the batch: the shape of a product
    # decides the order of its sums, hence the last bit, and an image must not depend on its batch.
    wide = np.kron(columns.T, np.eye(channels, dtype=batch.dtype)).astype(batch.dtype)
    flat = batch.reshape(count, height, width * channels)
    return np.asarray(rows.astype(batch.dtype) @ (flat @ wide)).reshape(batch.shape)


def gaussian(batch: Array, sigma: float, *, border: str = "nearest", truncate: float = 4.0) -> Array:
    """Return the batch ``(n, H, W[, C])`` blurred in the plane; the defaults are scikit-image's."""
    height, width = batch.shape[1:3]
    return along_both(
        batch, gaussian_matrix(height, sigma, border, truncate), gaussian_matrix(width, sigma, border, truncate)
    )
