"""What a corruption is, and the registry of all of them.

A corruption is split in two: ``draw`` takes the random numbers of ONE image from that image's stream, ``apply`` is a pure
function of a batch and of the stacked draws. That makes it independent of batching and lets a test inject draws.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from prune_core.base.benchmark import EXTRA, GROUPS, STANDARD
from prune_core.base.errors import UnknownName
from prune_core.base.registry import Registry

__all__ = ["CORRUPTIONS", "EXTRA", "GROUPS", "SEVERITIES", "STANDARD", "Corruption", "corruption", "expanded"]

Images: TypeAlias = NDArray[np.uint8]
Array: TypeAlias = NDArray[Any]
Draws: TypeAlias = tuple[Array, ...]
Level: TypeAlias = tuple[float, ...]
Apply: TypeAlias = Callable[[Images, Level, Draws], Images]
Draw: TypeAlias = Callable[[np.random.Generator, Images, Level], Draws]

SEVERITIES = (1, 2, 3, 4, 5)
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Corruption:
    """One corruption: of CIFAR-C, or one that was added.

    Attributes:
        name: The benchmark's name, or one of its own.
        levels: The constants of severities 1 to 5, for those of the benchmark as in the official generator.
        apply: ``(images (n, H, W, C) uint8, level, draws) -> (n, H, W, C) uint8``.
        draw: ``(generator, image (H, W, C) uint8, level) -> arrays of one image``; None for a deterministic corruption.
    """

    name: str
    levels: tuple[Level, ...]
    apply: Apply
    draw: Draw | None = None

    @property
    def group(self) -> str:
        """``standard`` or ``extra`` as the benchmark has it; ``other`` for one that was added."""
        return next((group for group, names in GROUPS.items() if self.name in names), "other")

    def fingerprint(self) -> str:
        """Return twelve digits that change with the levels and with the file that defines ``apply``."""
        digest = hashlib.sha256(repr(self.levels).encode())
        with contextlib.suppress(TypeError, OSError):  # not from a file: only the levels tell two versions apart
            digest.update(Path(inspect.getfile(self.apply)).read_bytes())
        return digest.hexdigest()[:12]


CORRUPTIONS: Registry[Corruption] = Registry("corruption", files="prune_core.corruptions.families")


def corruption(name: str, levels: tuple[Level, ...], draw: Draw | None = None) -> Callable[[Apply], Apply]:
    """Return a decorator that files an ``apply`` function as the corruption ``name``: small letters, digits, underscores."""
    if not _NAME.fullmatch(name) or name in GROUPS:
        raise ValueError(f"{name!r} cannot name a corruption (allowed: small letters, digits, _; not {', '.join(GROUPS)})")
    if len(levels) != len(SEVERITIES):
        raise ValueError(f"corruption {name!r} needs {len(SEVERITIES)} levels, not {len(levels)}")

    def add(function: Apply) -> Apply:
        CORRUPTIONS.register(name, function.__module__)(Corruption(name, levels, function, draw))
        return function

    return add


def expanded(names: Iterable[str]) -> tuple[str, ...]:
    """Return the corruptions that names and groups (``standard``, ``extra``) stand for, each once, in the order given.

    Raises:
        UnknownName: neither a corruption nor a group.
    """
    found: dict[str, None] = {}
    for name in names:
        if name not in GROUPS and name not in CORRUPTIONS:
            raise UnknownName("corruption", name, [*CORRUPTIONS, *GROUPS])
        found |= dict.fromkeys(GROUPS.get(name, (name,)))
    return tuple(found)


def to_unit(images: Images) -> NDArray[np.float64]:
    """Return 0..255 as 0..1."""
    return images / np.float64(255.0)


def to_bytes(unit: Array) -> Images:
    """Return 0..1 as 0..255, clipped and TRUNCATED: the official files were cast, not rounded."""
    scaled = np.clip(unit, 0.0, 1.0)
    scaled *= 255.0
    return scaled.astype(np.uint8)
