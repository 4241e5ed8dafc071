"""Class folders (``train/<class>/<file>``, ``test/<class>/<file>``), on disk or in a tar archive, decoded to arrays."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from prune_core.base.errors import BadInput
from prune_core.data.dataset import Arrays, Images
from prune_core.data.reasons import reason

_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm", ".webp", ".tif", ".tiff")
_LAYOUT = "allowed: a folder, or a .tar.gz of one, with train/<class>/<image> and optionally test/<class>/<image>"


@dataclass(frozen=True)
class _Picture:
    part: str
    label: str
    name: str
    pixels: np.ndarray[Any, Any]


def is_archive(path: Path) -> bool:
    """Return whether this is a tar archive, by its name."""
    return path.is_file() and path.name.endswith((".tar.gz", ".tgz", ".tar"))


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
        raise BadInput(f"image folder {str(path)!r} has no folder train/ ({_LAYOUT})")
    digest = hashlib.sha256()
    for file in _files(path):
        status = file.stat()
        digest.update(f"{file.relative_to(path).as_posix()}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def decode_class_folders(path: Path, size: int | None, channels: int | None) -> Arrays:
    """Decode every picture, in the order of class and file name.

    Args:
        path: The folder or the archive.
        size: Side of the square that pictures are scaled (shorter side) and cut (middle) to; None leaves them as they are,
            then all must be of one size.
        channels: 1 or 3; None for 1 where every picture is grey, else 3.

    Raises:
        BadInput: for a picture that cannot be read, sizes that differ, a test class that was never trained.
    """
    pictures = sorted(_pictures(path, size), key=lambda picture: (picture.part, picture.label, picture.name))
    classes = tuple(sorted({picture.label for picture in pictures if picture.part == "train"}))
    if not classes:
        raise BadInput(f"image folder {str(path)!r} has no pictures in train/ ({_LAYOUT})")
    empty = sorted(_class_folders(path) - set(classes))
    if empty:  # left out, it would shift the labels of the classes after it
        raise BadInput(f"image folder {str(path)!r}: class train/{empty[0]} has no pictures: add some, or remove the folder")
    strangers = sorted({picture.label for picture in pictures} - set(classes))
    if strangers:
        raise BadInput(f"image folder {str(path)!r}: test/{strangers[0]} is no class of train/ ({', '.join(classes[:20])})")
    depth = channels or (1 if all(picture.pixels.ndim == 2 for picture in pictures) else 3)
    parts: dict[str, tuple[Images, np.ndarray[Any, Any]] | tuple[None, None]] = {}
    for part in ("train", "test"):
        chosen = [picture for picture in pictures if picture.part == part]
        if not chosen:
            parts[part] = (None, None)
            continue
        images = np.stack([_in_channels(picture.pixels, depth) for picture in chosen])
        parts[part] = (images, np.array([classes.index(picture.label) for picture in chosen], dtype=np.int64))
    train_images, train_labels = parts["train"]
    if train_images is None or train_labels is None:
        raise BadInput(f"image folder {str(path)!r} has no pictures in train/ ({_LAYOUT})")
    jpeg = any(picture.name.lower().endswith((".jpg", ".jpeg")) for picture in pictures)
    test_images, test_labels = parts["test"]
    return Arrays(classes, train_images, train_labels, test_images, test_labels, jpeg=jpeg)


def _pictures(path: Path, size: int | None) -> Iterator[_Picture]:
    expected: tuple[int, ...] | None = None
    for name, content in _contents(path):
        *_, part, label, file = PurePosixPath(name).parts
        pixels = _decoded(f"{path}: {name}", content, size)
        if expected is None:
            expected = pixels.shape[:2]
        if pixels.shape[:2] != expected:
            raise BadInput(
                f"image folder {str(path)!r}: {name} is {pixels.shape[1]}x{pixels.shape[0]} pixels, others are "
                f"{expected[1]}x{expected[0]}: state the option size"
            )
        yield _Picture(part, label, file, pixels)


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of every picture; nothing is ever unpacked to disk."""
    if not is_archive(path):
        for file in _files(path):
            try:
                yield file.relative_to(path).as_posix(), file.read_bytes()
            except OSError as error:
                raise BadInput(f"{file} cannot be read ({error.strerror})") from error
        return
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.isfile() and _is_picture(member.name) else None
                if stream is not None:
                    yield member.name, stream.read()
    except (OSError, tarfile.TarError, EOFError) as error:
        raise BadInput(f"archive {path} is damaged ({reason(error)})") from error


def _files(path: Path) -> list[Path]:
    """Return the pictures of a folder, sorted.

    Raises:
        BadInput: a picture that does not lie directly in a class folder, where nobody would miss it; a link to nowhere.
    """
    found = []
    depths = [f"{part}/{depth}" for part in ("train", "test") for depth in ("*", "*/*", "*/*/*")]
    for file in (file for depth in depths for file in path.glob(depth)):
        name = file.relative_to(path).as_posix()
        inside = name.split("/")[1:]
        if not name.lower().endswith(_SUFFIXES) or any(each.startswith(".") for each in inside) or file.is_dir():
            continue
        if len(inside) != 2:
            raise BadInput(f"image folder {str(path)!r}: {name} does not lie directly in a class folder ({_LAYOUT})")
        if not file.is_file():
            raise BadInput(f"image folder {str(path)!r}: {name} is a link that leads nowhere")
        found.append(file)
    return sorted(found)


def _class_folders(path: Path) -> set[str]:
    """Return the names of the class folders of ``train/``, empty ones too; of an archive none, which lists files."""
    return set() if is_archive(path) else {f.name for f in (path / "train").iterdir() if f.is_dir() and f.name[0] != "."}


def _is_picture(name: str) -> bool:
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith(".") for part in parts[-2:])
    return len(parts) >= 3 and parts[-3] in ("train", "test") and not hidden and name.lower().endswith(_SUFFIXES)


def _decoded(where: str, content: bytes, size: int | None) -> np.ndarray[Any, Any]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as opened:
            if opened.mode.startswith(("I", "F")):
                raise BadInput(f"{where} has more than 8 bits per value ({opened.mode}; allowed: 8-bit pictures)")
            picture = opened.convert("L" if opened.mode in ("1", "L", "LA") else "RGB")
    except BadInput:
        raise
    except UnidentifiedImageError as error:
        raise BadInput(f"{where} is not a readable picture (of no known format)") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadInput(f"{where} is not a readable picture ({reason(error)})") from error
    if size is not None and picture.size != (size, size):
        scale = size / min(picture.size)
        scaled = picture.resize(
            (max(size, round(picture.width * scale)), max(size, round(picture.height * scale))), Image.Resampling.BILINEAR
        )
        left, top = (scaled.width - size) // 2, (scaled.height - size) // 2
        picture = scaled.crop((left, top, left + size, top + size))
    return np.asarray(picture)


def _in_channels(pixels: np.ndarray[Any, Any], channels: int) -> np.ndarray[Any, Any]:
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], channels, axis=2)
    if channels == 3:
        return pixels
    grey: np.ndarray[Any, Any] = np.rint(pixels @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    return grey[..., None]
