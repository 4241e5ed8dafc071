"""One picture of unknown origin: its kind by its name, its size before it is decoded, its pixels."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np

from prune_core.base.errors import BadInput
from prune_core.base.limits import PICTURE_BYTES, PICTURE_PIXELS, size_text
from prune_core.data.reasons import reason

FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".ppm": "PPM",
    ".pgm": "PPM",
    ".pbm": "PPM",
    ".pnm": "PPM",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
"""Pillow's format by suffix. No other format is ever opened, whatever a file is called: some run programs (EPS)."""
_OTHER_PICTURES = (
    *(
        ".apng",
        ".avif",
        ".avifs",
        ".cur",
        ".dcm",
        ".dds",
        ".dib",
        ".eps",
        ".exr",
        ".fits",
        ".hdr",
        ".heic",
        ".heif",
        ".icns",
    ),
    *(
        ".ico",
        ".j2c",
        ".j2k",
        ".jp2",
        ".jpc",
        ".jpf",
        ".jpx",
        ".jxl",
        ".jxr",
        ".mpo",
        ".nef",
        ".pcx",
        ".pfm",
        ".pict",
        ".ps",
    ),
    *(".psd", ".qoi", ".raw", ".sgi", ".svg", ".tga", ".wmf", ".xbm", ".xpm", ".cr2", ".dng", ".arw"),
)
"""Pictures, by their names, of kinds that are not read: they are refused wherever they would be missed."""
_NO_PICTURES = (
    *(".txt", ".md", ".rst", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".log"),
    *(".html", ".htm", ".pdf", ".db", ".py", ".sh", ".md5", ".sha1", ".sha256", ".license"),
)
_NO_PICTURE_NAMES = ("readme", "license", "licence", "copying", "makefile", "checksums", "md5sums", "sha256sums", "manifest")
MULTIPLE_ALLOWED = ("MPO",)
"""A JPEG of a camera or a telephone, with previews behind the picture."""


def suffix_of(name: str) -> str:
    """Return the last suffix of a file name in small letters, empty where there is none."""
    stem, dot, last = name.rpartition(".")
    return f".{last.lower()}" if dot and stem else ""


def is_readable(name: str) -> bool:
    """Return whether a file is, by its name, a picture of a kind that is read."""
    return suffix_of(name) in FORMATS


def is_picture(name: str) -> bool:
    """Return whether a file is, by its name, a picture, read or not."""
    return suffix_of(name) in FORMATS or suffix_of(name) in _OTHER_PICTURES


def may_be_left_out(name: str) -> bool:
    """Return whether a file beside pictures is, by its name, surely none: hidden, a text, a table, a page."""
    return name.startswith(".") or suffix_of(name) in _NO_PICTURES or name.lower() in _NO_PICTURE_NAMES


def kinds_text() -> str:
    """Return the kinds that are read, for messages."""
    return f"allowed: {' '.join(FORMATS)}"


def decoded(where: str, content: bytes, size: int | None) -> tuple[np.ndarray[Any, Any], bool]:
    """Return the pixels of a picture, and whether it was a JPEG.

    Args:
        where: how messages call it.
        content: the file.
        size: side of the square that it is scaled (shorter side) and cut (middle) to; None leaves it as it is.

    Returns:
        ``(H, W)`` uint8 for a grey picture, else ``(H, W, 3)``.

    Raises:
        BadInput: no readable picture of a kind of `FORMATS`, too large, of more than 8 bits, or several pictures in one.
    """
    from PIL import Image, UnidentifiedImageError

    formats = sorted(set(FORMATS.values()))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(content), formats=formats)
        with opened:
            _check(where, opened)
            jpeg = opened.format in ("JPEG", "MPO")
            picture = opened.convert("L" if opened.mode in ("1", "L", "LA") else "RGB")
            return np.asarray(picture if size is None else _cut(picture, size)), jpeg
    except BadInput:
        raise
    except UnidentifiedImageError as error:
        raise BadInput(f"{where} is not a readable picture (of no known format; allowed: {', '.join(formats)})") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadInput(_too_large(where)) from error
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, LookupError, TypeError, ArithmeticError) as error:
        raise BadInput(f"{where} is not a readable picture ({reason(error)})") from error


def check_bytes(where: str, count: int) -> None:
    """Raise `BadInput` for a file that is larger than a picture may be."""
    if count > PICTURE_BYTES:
        raise BadInput(f"{where} is a file of {size_text(count)} (allowed: pictures of up to {size_text(PICTURE_BYTES)})")


def _check(where: str, opened: Any) -> None:
    if opened.width * opened.height > PICTURE_PIXELS:
        raise BadInput(_too_large(where))
    if opened.mode.startswith(("I", "F")) or ";16" in str(opened.tile):
        raise BadInput(f"{where} has more than 8 bits per value ({opened.mode}; allowed: 8-bit pictures)")
    if opened.format not in MULTIPLE_ALLOWED and getattr(opened, "n_frames", 1) > 1:
        raise BadInput(f"{where} holds {opened.n_frames} pictures (allowed: one per file, nothing animated)")


def _too_large(where: str) -> str:
    return f"{where} has too many pixels (allowed: pictures of up to {PICTURE_PIXELS:,} pixels, width times height)"


def _cut(picture: Any, size: int) -> Any:
    from PIL import Image

    if picture.size == (size, size):
        return picture
    scale = size / min(picture.size)
    width, height = max(size, round(picture.width * scale)), max(size, round(picture.height * scale))
    if width * height > PICTURE_PIXELS:  # a line of pixels, enlarged
        raise ValueError(f"{picture.width}x{picture.height} pixels cannot be scaled to {size}")
    scaled = picture.resize((width, height), Image.Resampling.BILINEAR)
    left, top = (scaled.width - size) // 2, (scaled.height - size) // 2
    return scaled.crop((left, top, left + size, top + size))
