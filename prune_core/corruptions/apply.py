"""The one entrance: `corrupt`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from prune_core.base.errors import BadInput
from prune_core.base.own_code import own_code
from prune_core.corruptions.definition import CORRUPTIONS, SEVERITIES, Corruption, Draws, Images
from prune_core.corruptions.streams import ImageStreams

SMALLEST, LARGEST = 16, 64
_VALUES_PER_CHUNK = 100_000  # 0.8 MB in float64: a chunk stays in the cache of one core


def corrupt(images: Images, corruption: str, severity: int, *, seed: int = 0, first_index: int = 0) -> Images:
    """Return the images under one corruption.

    Args:
        images: ``(N, H, W, C)`` uint8, H and W of 16 to 64 pixels, C 1 or 3; not changed.
        corruption: One of `CORRUPTIONS`: the 19 names of ``STANDARD`` and ``EXTRA``, and what was added.
        severity: 1 (mild) to 5 (severe).
        seed: Of the generated set.
        first_index: Image i of the array is image ``first_index + i`` of its set and gets the same corruption in any batch.

    Returns:
        ``(N, H, W, C)`` uint8.

    Raises:
        BadInput: for a wrong name, severity, shape, type or index.

    Source: Hendrycks and Dietterich, ICLR 2019; the 19 have the strengths of CIFAR-10-C.
    """
    _check_count("first_index", first_index)
    check_images(images)
    numbers = np.arange(first_index, first_index + len(images), dtype=np.int64)
    return corrupt_numbered(images, corruption, severity, numbers, seed=seed)


def corrupt_numbered(images: Images, corruption: str, severity: int, numbers: NDArray[np.int64], *, seed: int = 0) -> Images:
    """Return the images under one corruption, image i as number ``numbers[i]`` of its set; see `corrupt`."""
    entry = CORRUPTIONS.get(corruption)
    check_images(images)
    check_severity(severity)
    _check_count("seed", seed)
    streams = ImageStreams(int(seed), corruption, int(severity))
    result = np.empty(images.shape, dtype=np.uint8)
    chunk = max(1, _VALUES_PER_CHUNK // max(1, images[:1].size))
    for start in range(0, len(images), chunk):
        part = np.ascontiguousarray(images[start : start + chunk])
        with own_code(f"corruption {corruption}", CORRUPTIONS.module(corruption)):
            draws = _draw(entry, severity, part, streams, numbers[start : start + chunk])
            made = entry.apply(part, entry.levels[severity - 1], draws)
        _check_made(entry, made, part)
        result[start : start + chunk] = made
    return result


def corrupt_with(images: Images, corruption: str, severity: int, draws: Draws) -> Images:
    """Return the images under one corruption with given random numbers, stacked over the images (see each corruption)."""
    check_images(images)
    check_severity(severity)
    entry = CORRUPTIONS.get(corruption)
    return entry.apply(images, entry.levels[severity - 1], draws)


def _draw(entry: Corruption, severity: int, part: Images, streams: ImageStreams, numbers: NDArray[np.int64]) -> Draws:
    if entry.draw is None:
        return ()
    level = entry.levels[severity - 1]
    each = [entry.draw(streams.of(int(number)), image, level) for number, image in zip(numbers, part, strict=True)]
    return tuple(np.stack(arrays) for arrays in zip(*each, strict=True))


def _check_made(entry: Corruption, made: object, given: Images) -> None:
    if not isinstance(made, np.ndarray) or made.dtype != np.uint8 or made.shape != given.shape:
        what = f"{made.dtype} {made.shape}" if isinstance(made, np.ndarray) else f"a {type(made).__name__}"
        raise BadInput(f"corruption {entry.name!r} returned {what} (allowed: uint8 {given.shape}, as it was given)")


def check_images(images: object) -> None:
    """Raise `BadInput` unless these are uint8 images that can be corrupted."""
    allowed = f"allowed: uint8 (N, H, W, C) with H and W {SMALLEST} to {LARGEST} and C 1 or 3"
    if not isinstance(images, np.ndarray):
        raise BadInput(f"images to corrupt are a {type(images).__name__}, not a NumPy array ({allowed})")
    if images.dtype != np.uint8:
        raise BadInput(f"images to corrupt have type {images.dtype} ({allowed})")
    if images.ndim != 4 or images.shape[3] not in (1, 3):
        raise BadInput(f"images to corrupt have shape {images.shape} ({allowed})")
    if not all(SMALLEST <= side <= LARGEST for side in images.shape[1:3]):
        raise BadInput(f"images to corrupt are {images.shape[1]}x{images.shape[2]} pixels ({allowed})")


def check_severity(severity: object) -> None:
    """Raise `BadInput` unless this is a whole number of 1 to 5."""
    if isinstance(severity, bool) or not isinstance(severity, (int, np.integer)) or int(severity) not in SEVERITIES:
        raise BadInput(f"severity is {severity!r} (allowed: {SEVERITIES[0]} to {SEVERITIES[-1]})")


def _check_count(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise BadInput(f"{name} is {value!r} (allowed: a whole number from 0)")
