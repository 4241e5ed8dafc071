"""The official CIFAR-10-C and CIFAR-100-C files, read where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prune_core.base.errors import BadInput
from prune_core.base.file_digest import remembered_sha256
from prune_core.corruptions.definition import EXTRA, SEVERITIES, STANDARD, Images
from prune_core.corruptions.published import are_published, files_label, set_digest
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
    cache: Path | None = None,
    sha256: str | None = None,
) -> CorruptedSet:
    """Return the official corrupted test set as memory maps, called by its name only where it is known to be it.

    Args:
        folder: Where ``<corruption>.npy`` and ``labels.npy`` lie (or ``CIFAR-10-C/`` below it).
        name: ``cifar10`` or ``cifar100``.
        corruptions: Names of ``STANDARD`` and ``EXTRA``.
        labels: Labels of the clean test set in its official order, ``(10000,)``; given, they must be those of the files,
            which proves that the order is the same.
        positions: Test images wanted, in this order; None for all. Choosing copies the chosen images into memory.
        cache: The cache folder, where the digests of files are remembered; by default ``folder``.
        sha256: What `official_digest` must say of the files.

    Raises:
        BadInput: for a missing file, a file of another shape or type, labels that differ, or other files than asked for.
    """
    place = _place(folder, name, corruptions)
    _check_labels(place, labels)
    mapped = {each: _read(place / f"{each}.npy", name) for each in corruptions}
    files = _digests(place, corruptions, cache or Path(folder))
    found = set_digest(files)
    if sha256 not in (None, found):
        raise BadInput(f"the corrupted images in {place} are not those that were planned with: sha256 {found}, not {sha256}")
    label = OFFICIAL[name] if are_published(name, files, cache or Path(folder)) else files_label(found)
    arrays = {each: _chosen(images, positions) for each, images in mapped.items()}
    return CorruptedSet(label, tuple(corruptions), generated=False, _arrays=arrays)


def official_digest(folder: Path, *, name: str, labels: NDArray[np.int64] | None = None, cache: Path) -> str:
    """Return one SHA-256 for all the official files that a study uses; each file is read once, and remembered in the cache.

    Raises:
        BadInput: as `official_set`.
    """
    place = _place(folder, name, STANDARD)
    _check_labels(place, labels)
    for each in STANDARD:
        _read(place / f"{each}.npy", name)
    return set_digest(_digests(place, STANDARD, cache))


def _digests(place: Path, corruptions: Sequence[str], cache: Path) -> dict[str, str]:
    try:
        return {each: remembered_sha256(place / f"{each}.npy", cache) for each in (*corruptions, "labels")}
    except OSError as error:
        raise BadInput(f"{place} cannot be read: {error.strerror}") from None


def _place(folder: Path, name: str, corruptions: Sequence[str]) -> Path:
    """Return where the files lie."""
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
    return place


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
