"""A corrupted copy of a set of images, all severities: our own generated one, kept in the cache, or the official files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prune_core.base.benchmark import averaged
from prune_core.base.description import GENERATOR_FORMAT, content_key
from prune_core.base.errors import BadInput, UnknownName
from prune_core.base.files import alone_in, is_abandoned, replacing
from prune_core.base.progress import Told
from prune_core.corruptions.apply import check_images, check_severity, corrupt_numbered
from prune_core.corruptions.definition import CORRUPTIONS, SEVERITIES, STANDARD, Images

OFFICIAL = {"cifar10": "CIFAR-10-C", "cifar100": "CIFAR-100-C"}
"""Datasets of which an official corrupted set exists."""

_STALE_SECONDS = 3600.0


@dataclass(frozen=True)
class CorruptedSet:
    """Corrupted copies of N images, one ``(5, N, H, W, C)`` memory map per corruption.

    Attributes:
        label: What every table and figure calls it: "CIFAR-10-C", or "CIFAR-10-C (regenerated, seed 0)".
        corruptions: The names that it holds, in order.
        generated: False for the official files.
        jpeg: Whether the clean images were JPEG re-encoded: then mPC is also given without ``jpeg_compression``.
    """

    label: str
    corruptions: tuple[str, ...]
    generated: bool = True
    jpeg: bool = False
    _arrays: dict[str, Images] = field(default_factory=dict, repr=False)

    def cell(self, corruption: str, severity: int) -> Images:
        """Return the images ``(N, H, W, C)`` uint8 of one cell, mapped read-only.

        Raises:
            UnknownName: for a corruption that the set does not hold.
        """
        check_severity(severity)
        if corruption not in self._arrays:
            raise UnknownName(f"corruption of {self.label}", corruption, self.corruptions)
        images: Images = self._arrays[corruption][severity - 1]
        return images


def set_label(name: str, seed: int, *, title: str | None = None, jpeg: bool = False) -> str:
    """Return what a generated set is called; never the official name alone."""
    base = OFFICIAL.get(name) or f"{title or _titled(name)}-C"
    made = "regenerated" if name in OFFICIAL and not jpeg else "generated"
    return f"{base} ({made}{' from JPEG re-encoded images' if jpeg else ''}, seed {seed})"


def generated_set(
    images: Images,
    indices: NDArray[np.int64] | None,
    *,
    name: str,
    corruptions: Sequence[str] = STANDARD,
    seed: int = 0,
    cache: Path,
    progress: Told | None = None,
    title: str | None = None,
    jpeg: bool = False,
) -> CorruptedSet:
    """Return the corrupted copies of these images, generated where the cache has none.

    Each corruption is one file that appears whole, so an interrupted run goes on where it was, and leaves no half file.

    Args:
        images: ``(N, H, W, C)`` uint8.
        indices: Image number of each image in its set (the corruption of an image depends on it); None for 0 to N - 1.
        name: The dataset's name; only the label depends on it.
        corruptions: Names of `CORRUPTIONS`.
        seed: Of the generated set.
        cache: The cache folder, as for `load_dataset`.
        progress: Called after each cell that was generated and once per corruption that was found.
        title: The dataset's title; default: made from the name.
        jpeg: Whether the images were JPEG re-encoded; the label says so.

    Raises:
        BadInput: for wrong names, images, indices, or a cache that cannot be written.
    """
    check_images(images)
    names = _checked_names(corruptions)
    numbers = _checked_numbers(indices, len(images))
    folder = Path(cache) / "corrupted" / _key(images, numbers, seed)
    _remove_stale(folder)
    total = len(names) * len(SEVERITIES)
    arrays: dict[str, Images] = {}
    for position, corruption in enumerate(names):
        path = folder / _file_name(corruption)
        done = position * len(SEVERITIES)
        make = partial(_generate, path, images, numbers, corruption, seed, partial(_tell, progress, done, total, corruption))
        wait = partial(_say, progress, done, total, f"{corruption}: another process makes it")
        if path.exists() or not _made_alone(path, make, wait):
            _say(progress, done + len(SEVERITIES), total, f"{corruption}: found")
        arrays[corruption] = _mapped(path, (len(SEVERITIES), *images.shape))
    return CorruptedSet(set_label(name, seed, title=title, jpeg=jpeg), names, jpeg=jpeg, _arrays=arrays)


def _file_name(corruption: str) -> str:
    entry = CORRUPTIONS.get(corruption)
    # those of the benchmark have `GENERATOR_FORMAT`; who edits one of their own must not be judged on the images of before
    return f"{corruption}.npy" if entry.group != "other" else f"{corruption}-{entry.fingerprint()}.npy"


def list_label(names: Sequence[str]) -> str:
    """Return what a study's own list of corruptions adds to the label of its set: what mPC is the mean of.

    Nothing where it is the benchmark's 15, as it is for everybody.
    """
    chosen = averaged(names)
    beside = [name for name in names if name not in chosen]
    if beside:
        return f"; beside the {len(chosen)} that mPC averages: {_first_names(beside)}"
    if chosen == STANDARD:
        return ""
    return f"; mPC is the mean over {_first_names(names)}, not over the benchmark's {len(STANDARD)}"


def _first_names(names: Sequence[str], most: int = 5) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def _cannot_write(path: Path, error: OSError) -> BadInput:
    return BadInput(f"cannot write {path}: {error.strerror} (set PRUNEFRONT_CACHE to another folder)")


def _say(progress: Told | None, done: int, total: int, text: str) -> None:
    if progress is not None:
        progress(done, total, text)


def _tell(progress: Told | None, before: int, total: int, corruption: str, severity: int) -> None:
    _say(progress, before + severity, total, f"{corruption} {severity}")


def _made_alone(path: Path, make: Callable[[], None], waiting: Callable[[], None]) -> bool:
    """Make a file, one process of this machine at a time in its folder; False where another one has made it meanwhile."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(path.parent, error) from error
    with alone_in(path.parent, waiting):
        if path.exists():
            return False
        make()
        return True


def _generate(
    path: Path, images: Images, numbers: NDArray[np.int64], corruption: str, seed: int, told: Callable[[int], None]
) -> None:
    shape = (len(SEVERITIES), *images.shape)
    try:
        with replacing(path) as temporary:
            target = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
            for severity in SEVERITIES:
                target[severity - 1] = corrupt_numbered(images, corruption, severity, numbers, seed=seed)
                told(severity)
            target.flush()
            del target
    except OSError as error:
        raise _cannot_write(path, error) from error


def _mapped(path: Path, shape: tuple[int, ...]) -> Images:
    try:
        array: Images = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read ({error}): delete it") from error
    if array.shape != shape or array.dtype != np.uint8:
        raise BadInput(f"{path} holds {array.dtype} {array.shape}, not uint8 {shape}: delete it")
    return array


def _key(images: Images, numbers: NDArray[np.int64], seed: int) -> str:
    digest = hashlib.sha256()
    for start in range(0, len(images), 4096):
        digest.update(np.ascontiguousarray(images[start : start + 4096]).data)
    digest.update(np.ascontiguousarray(numbers).data)
    return content_key(
        {"generator": GENERATOR_FORMAT, "images": digest.hexdigest(), "shape": list(images.shape), "seed": int(seed)}
    )


def _checked_names(corruptions: Sequence[str]) -> tuple[str, ...]:
    names = tuple(corruptions)
    for each in names:
        CORRUPTIONS.get(each)
    if not names or len(set(names)) != len(names):
        raise BadInput(f"corruptions are {list(names)} (allowed: one or more names, each once)")
    return names


def _checked_numbers(indices: NDArray[np.int64] | None, count: int) -> NDArray[np.int64]:
    if indices is None:
        return np.arange(count, dtype=np.int64)
    numbers = np.asarray(indices)
    if numbers.shape != (count,) or not np.issubdtype(numbers.dtype, np.integer) or (count and numbers.min() < 0):
        raise BadInput(f"image numbers are {numbers.dtype} {numbers.shape} (allowed: whole numbers from 0, ({count},))")
    return numbers.astype(np.int64)


def _remove_stale(folder: Path) -> None:
    """Remove what killed runs left half-written; younger files may belong to a run that is at work."""
    for leftover in folder.glob(".*.tmp"):
        if is_abandoned(leftover, _STALE_SECONDS):
            leftover.unlink(missing_ok=True)


def _titled(name: str) -> str:
    kind, _, argument = name.partition(":")
    return Path(argument).name.removesuffix(".tar.gz").removesuffix(".npz") if argument else kind
