"""Class folders (``train/<class>/<file>``, ``test/<class>/<file>``), on disk or in a tar archive, decoded to arrays."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prune_core.base.archives import ARCHIVES
from prune_core.base.errors import BadInput
from prune_core.base.limits import data_bytes, size_text
from prune_core.data.class_layout import LAYOUT, PARTS, Parts, archive_files, folder_files
from prune_core.data.dataset import Arrays, Images, Labels
from prune_core.data.pictures import decoded, suffix_of


@dataclass(frozen=True)
class _Picture:
    part: str
    label: str
    name: str
    pixels: np.ndarray[Any, Any]
    jpeg: bool


def is_archive(path: Path) -> bool:
    """Return whether this is a tar archive, by its name."""
    return path.is_file() and path.name.endswith(ARCHIVES)


def has_class_folders(path: Path) -> bool:
    """Return whether this is a folder with ``train/``, or an archive that may have one."""
    return is_archive(path) or (path / "train").is_dir()


def fingerprint(path: Path) -> str:
    """Return what changes when the pictures do: the archive's checksum, or names, sizes and times of the files.

    Raises:
        BadInput: when there is neither.
    """
    if is_archive(path):
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    if not (path / "train").is_dir():
        raise BadInput(f"image folder {str(path)!r} has no folder train/ ({LAYOUT})")
    digest = hashlib.sha256()
    for file in folder_files(path):
        status = file.stat()
        digest.update(f"{file.relative_to(path).as_posix()}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def decode_class_folders(path: Path, size: int | None, channels: int | None, order: tuple[str, ...] | None = None) -> Arrays:
    """Decode every picture, in the order of class and file name.

    Args:
        path: The folder or the archive.
        size: Side of the square that pictures are scaled (shorter side) and cut (middle) to; None leaves them as they are,
            then all must be of one size.
        channels: 1 or 3; None for 1 where every picture is grey, else 3.
        order: The classes in the order of their labels; None sorts their names.

    Raises:
        BadInput: for an order that names other classes, a picture that cannot be read or would be left out, sizes that
            differ, a test class that was never trained, more than fits into memory.
    """
    pictures = sorted(_pictures(path, size), key=lambda picture: (picture.part, picture.label, picture.name))
    classes = tuple(sorted({picture.label for picture in pictures if picture.part == "train"}))
    if not classes:
        raise BadInput(f"image folder {str(path)!r} has no pictures in train/ ({LAYOUT})")
    strangers = sorted({picture.label for picture in pictures} - set(classes))
    if strangers:
        raise BadInput(f"image folder {str(path)!r}: test/{strangers[0]} is no class of train/ ({', '.join(classes[:20])})")
    if order is not None:
        other = sorted(set(order) ^ set(classes))
        if other:
            raise BadInput(
                f"image folder {str(path)!r}: option classes and the folders differ in {other[0]!r} "
                f"(allowed: every one of {', '.join(classes[:20])}, in the order of the network)"
            )
        classes = order
    depth = channels or (1 if all(picture.pixels.ndim == 2 for picture in pictures) else 3)
    jpeg = any(picture.jpeg for picture in pictures)
    kinds = Counter(suffix_of(picture.name) for picture in pictures)
    numbers = {name: number for number, name in enumerate(classes)}
    (train_images, train_labels), test = (
        _stacked([picture for picture in pictures if picture.part == part], numbers, depth) for part in PARTS
    )
    own_test = len(test[1]) > 0
    return Arrays(
        classes,
        train_images,
        train_labels,
        test[0] if own_test else None,
        test[1] if own_test else None,
        jpeg=jpeg,
        kinds=dict(kinds.most_common()),
    )


def _stacked(pictures: list[_Picture], numbers: dict[str, int], channels: int) -> tuple[Images, Labels]:
    labels = np.array([numbers[picture.label] for picture in pictures], dtype=np.int64)
    shape = pictures[0].pixels.shape[:2] if pictures else (0, 0)
    images = np.empty((len(pictures), *shape, channels), dtype=np.uint8)
    for at, picture in enumerate(pictures):
        images[at] = _in_channels(picture.pixels, channels)
    return images, labels


def _pictures(path: Path, size: int | None) -> Iterator[_Picture]:
    expected: tuple[int, ...] | None = None
    total, most = 0, data_bytes()
    for (part, label, file), content in _contents(path):
        name = f"{part}/{label}/{file}"
        pixels, jpeg = decoded(f"{path}: {name}", content, size)
        if expected is None:
            expected = pixels.shape[:2]
        if pixels.shape[:2] != expected:
            raise BadInput(
                f"image folder {str(path)!r}: {name} is {pixels.shape[1]}x{pixels.shape[0]} pixels, others are "
                f"{expected[1]}x{expected[0]}: state the option size"
            )
        total += pixels.nbytes
        if total > most:
            raise BadInput(
                f"image folder {str(path)!r} is more than {size_text(most)} when decoded (allowed: up to that; state a "
                "smaller option size)"
            )
        yield _Picture(part, label, file, pixels, jpeg)


def _contents(path: Path) -> Iterator[tuple[Parts, bytes]]:
    """Yield (part, class, file) and bytes of every picture; nothing is ever unpacked to disk."""
    if is_archive(path):
        yield from archive_files(path)
        return
    for file in folder_files(path):
        try:
            yield file.relative_to(path).parts, file.read_bytes()
        except OSError as error:
            raise BadInput(f"{file} cannot be read ({error.strerror})") from error


def _in_channels(pixels: np.ndarray[Any, Any], channels: int) -> np.ndarray[Any, Any]:
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], channels, axis=2)
    if channels == 3:
        return pixels
    grey: np.ndarray[Any, Any] = np.rint(pixels @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    return grey[..., None]
