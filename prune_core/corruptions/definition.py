"""What a corruption is, and the registry of all of them.

A corruption is split in two: ``draw`` takes the random numbers of ONE image from that image's stream, ``apply`` is a pure
function of a batch and of the stacked draws. That makes it independent of batching and lets a test inject draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from prune_core.base.registry import Registry

Images: TypeAlias = NDArray[np.uint8]
Array: TypeAlias = NDArray[Any]
Draws: TypeAlias = tuple[Array, ...]
Level: TypeAlias = tuple[float, ...]
Apply: TypeAlias = Callable[[Images, Level, Draws], Images]
Draw: TypeAlias = Callable[[np.random.Generator, Images, Level], Draws]

SEVERITIES = (1, 2, 3, 4, 5)

STANDARD = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
)
"""The 15 of the benchmark, in its order: what mPC averages over."""

EXTRA = ("speckle_noise", "gaussian_blur", "spatter", "saturate")
"""The 4 that the benchmark keeps apart for selection: never part of mPC."""


@dataclass(frozen=True)
class Corruption:
    """One corruption of CIFAR-C.

    Attributes:
        name: The benchmark's name.
        levels: The constants of severities 1 to 5, as in the official generator.
        apply: ``(images (n, H, W, C) uint8, level, draws) -> (n, H, W, C) uint8``.
        draw: ``(generator, image (H, W, C) uint8, level) -> arrays of one image``; None for a deterministic corruption.
    """

    name: str
    levels: tuple[Level, ...]
    apply: Apply
    draw: Draw | None = None


CORRUPTIONS: Registry[Corruption] = Registry("corruption")


def corruption(name: str, levels: tuple[Level, ...], draw: Draw | None = None) -> Callable[[Apply], Apply]:
    """Return a decorator that files an ``apply`` function as the corruption ``name``."""
    if len(levels) != len(SEVERITIES):
        raise ValueError(f"corruption {name!r} needs {len(SEVERITIES)} levels, not {len(levels)}")

    def add(function: Apply) -> Apply:
        CORRUPTIONS.register(name, function.__module__)(Corruption(name, levels, function, draw))
        return function

    return add


def to_unit(images: Images) -> NDArray[np.float64]:
    """Return 0..255 as 0..1."""
    return images / np.float64(255.0)


def to_bytes(unit: Array) -> Images:
    """Return 0..1 as 0..255, clipped and TRUNCATED: the official files were cast, not rounded."""
    scaled = np.clip(unit, 0.0, 1.0)
    scaled *= 255.0
    return scaled.astype(np.uint8)
