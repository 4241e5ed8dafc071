"""The official CIFAR-10-C and CIFAR-100-C files, read where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prune_core.base.errors import BadInput
from prune_core.corruptions.definition import EXTRA, SEVERITIES, STANDARD, Images
from prune_core.corruptions.sets import OFFICIAL, CorruptedSet

_COUNT = 10_000
_SIDE = 32
_GET = {
    "cifar10": "CIFAR-10-C.tar from https://zenodo.org/records/2535967",
    "cifar100": "CIFAR-100-C.tar from https://zenodo.org/records/3555552",
}
_FETCH = {"cifar10": " (prunefront evaluate --fetch does that)", "cifar100": ""}


def official_set(
    folder: Path,
    *,
    name: str = "cifar10",
    corruptions: Sequence[str] = STANDARD,
    labels: NDArray[np.int64] | None = None,
    positions: NDArray[np.int64] | None = None,
) -> CorruptedSet:
    """Return the official corrupted test set as memory maps.

    Args:
        folder: Where ``<corruption>.npy`` and ``labels.npy`` lie (or ``CIFAR-10-C/`` below it).
        name: ``cifar10`` or ``cifar100``.
        corruptions: Names of ``STANDARD`` and ``EXTRA``.
        labels: Labels of the clean test set in its official order, ``(10000,)``; given, they must be those of the files,
            which proves that the order is the same.
        positions: Test images wanted, in this order; None for all. Choosing copies the chosen images into memory.

    Raises:
        BadInput: for a missing file, a file of another shape or type, or labels that differ.
    """
    if name not in OFFICIAL:
        raise BadInput(f"there is no official corrupted set of {name!r} (allowed: {', '.join(OFFICIAL)})")
    label = OFFICIAL[name]
    known = (*STANDARD, *EXTRA)
    for each in corruptions:
        if each not in known:
            raise BadInput(f"{label} has no corruption {each!r} (allowed: {', '.join(known)})")
    place = next((p for p in (Path(folder), Path(folder) / label) if (p / "labels.npy").is_file()), None)
    if place is None:
        raise BadInput(
            f"{label}: labels.npy is missing (looked in {folder} and {Path(folder) / label}); get {_GET[name]} and unpack "
            f"it into {folder}{_FETCH[name]}"
        )
    _check_labels(place, labels)
    arrays = {each: _chosen(_read(place / f"{each}.npy", name), positions) for each in corruptions}
    return CorruptedSet(label, tuple(corruptions), generated=False, _arrays=arrays)


def _check_labels(place: Path, expected: NDArray[np.int64] | None) -> None:
    found = _load(place / "labels.npy")
    blocks = len(SEVERITIES)
    if found.shape != (blocks * _COUNT,) or not np.issubdtype(found.dtype, np.integer):
        raise BadInput(f"{place / 'labels.npy'} holds {found.dtype} {found.shape} (allowed: whole numbers (50000,))")
    if not (found.reshape(blocks, _COUNT) == found[:_COUNT]).all():
        raise BadInput(f"{place / 'labels.npy'}: the labels of the five severities differ: damaged or another file")
    if expected is not None and not np.array_equal(found[:_COUNT], expected):
        raise BadInput(
            f"{place / 'labels.npy'} does not fit the clean test images: theirs are in another order (class folders, JPEG "
            f"re-encoded?); use the generated set"
        )


def _read(path: Path, name: str) -> Images:
    if not path.is_file():
        raise BadInput(f"{OFFICIAL[name]}: {path.name} is missing (looked in {path.parent}); get {_GET[name]}{_FETCH[name]}")
    array = _load(path)
    shape = (len(SEVERITIES) * _COUNT, _SIDE, _SIDE, 3)
    if array.shape != shape or array.dtype != np.uint8:
        raise BadInput(f"{path} holds {array.dtype} {array.shape} (allowed: uint8 {shape})")
    images: Images = array.reshape(len(SEVERITIES), _COUNT, _SIDE, _SIDE, 3)
    return images


def _load(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    try:
        array: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise BadInput(f"{path} is not a readable .npy file ({error}): get it again") from error
    return array


def _chosen(images: Images, positions: NDArray[np.int64] | None) -> Images:
    return images if positions is None else images[:, positions]
