"""What a dataset is, and the registry of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from prune_core.base.registry import Registry

Images: TypeAlias = NDArray[np.uint8]
Labels: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Dataset:
    """Images with labels, and what one has to know about them.

    Attributes:
        name: As given to `load_dataset`.
        title: As written in tables and figures.
        classes: Class names; label k is ``classes[k]``.
        mean: Of each channel, on the 0..1 scale; what networks are fed is ``(image / 255 - mean) / std``.
        std: Of each channel.
        licence: Of the images.
        source: Where they come from.
        checksum: SHA-256 of the decoded arrays.
        train_images: ``(N, H, W, C)`` uint8, mapped read-only from the array cache.
        train_labels: ``(N,)`` int64.
        test_images: As ``train_images``; None where the dataset has no test images of its own.
        test_labels: As ``train_labels``; None where the dataset has no test images of its own.
        jpeg: Whether the images were JPEG re-encoded: their ``jpeg_compression`` numbers differ from the original's.
        kinds: How many files of each suffix were read, most frequent first; empty where the images were no files.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    licence: str
    source: str
    checksum: str
    train_images: Images
    train_labels: Labels
    test_images: Images | None
    test_labels: Labels | None
    jpeg: bool = False
    kinds: Mapping[str, int] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels of an image."""
        height, width, channels = self.train_images.shape[1:]
        return height, width, channels

    @property
    def contents(self) -> str:
        """What was read: ``600 images: 590 .png, 10 .jpg in 4 classes``."""
        count = len(self.train_labels) + (0 if self.test_labels is None else len(self.test_labels))
        return contents_text(count, self.kinds, len(self.classes))


def contents_text(images: int, kinds: Mapping[str, int], classes: int) -> str:
    """Return how many images there are, of which kinds of files, in how many classes."""
    read = ", ".join(f"{count:,} {suffix}" for suffix, count in kinds.items())
    return f"{images:,} images{': ' if read else ''}{read} in {classes:,} class{'' if classes == 1 else 'es'}"


@dataclass(frozen=True)
class Arrays:
    """What a dataset's decoder returns: arrays before they are cached. ``mean`` and ``std`` None: measured on train."""

    classes: tuple[str, ...]
    train_images: Images
    train_labels: Labels
    test_images: Images | None = None
    test_labels: Labels | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    jpeg: bool = False
    kinds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """One dataset asked for: where its bytes are found, and how to decode them.

    Attributes:
        title: As written in tables and figures.
        licence: Of the images.
        source: Where they come from.
        fingerprint: Plain values that change when the decoded arrays would: names, options, sizes, checksums of files.
        decode: Reads the bytes; called only when the array cache has none.
    """

    title: str
    licence: str
    source: str
    fingerprint: Mapping[str, Any]
    decode: Callable[[], Arrays]


Open: TypeAlias = Callable[[str, dict[str, Any], Path], Request]
"""``(argument after the colon, options, cache folder) -> Request``; pops the options that it knows."""

DATASETS: Registry[Open] = Registry("dataset", files="prune_core.data.datasets")


@dataclass(frozen=True)
class Size:
    """How large a published dataset is: known before its files are there, so that a study can be planned without them.

    Attributes:
        train: Training images.
        test: Test images of its own, 0 where it has none.
        shape: Height, width, channels.
        classes: How many.
    """

    train: int
    test: int
    shape: tuple[int, int, int]
    classes: int


@dataclass(frozen=True)
class Source:
    """An opener with what is known of its dataset before it is opened; a plain function says none of it.

    Attributes:
        open: The opener.
        argument: What has to follow the colon, in capitals (``PATH``); empty where nothing may.
        size: Of a published dataset.
    """

    open: Open
    argument: str = ""
    size: Size | None = None

    def __call__(self, argument: str, options: dict[str, Any], cache: Path) -> Request:
        """Open the dataset; see `Open`."""
        return self.open(argument, options, cache)


def dataset(name: str, *, argument: str = "", size: Size | None = None) -> Callable[[Open], Open]:
    """Return a decorator that files an opener as the dataset ``name``, with what `Source` says."""

    def add(function: Open) -> Open:
        DATASETS.register(name)(Source(function, argument, size))
        return function

    return add


def source_of(name: str) -> Source:
    """Return what is known of a dataset before it is opened; ``name`` may carry an argument.

    Raises:
        UnknownName: with the nearest and the allowed names.
    """
    entry = DATASETS.get(name.partition(":")[0])
    return entry if isinstance(entry, Source) else Source(entry)
