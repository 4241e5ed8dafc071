"""Arrays out of an ``.npz`` of unknown origin: only the ones asked for, and their declared sizes before they are read."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from prune_core.base.errors import BadInput
from prune_core.base.limits import NPY_HEADER_BYTES, size_text

_SUFFIX = ".npy"
_LENGTHS = {1: 2, 2: 4, 3: 4}
"""Bytes that say how long an array's head is, by the version of the format."""


def read_npz(path: Path, wanted: Callable[[str], bool], most: int) -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays of a file that are wanted, by name; the others are not read.

    Args:
        path: the file.
        wanted: whether an array of this name is to be read.
        most: bytes that all of them may have together.

    Raises:
        BadInput: the arrays are too large, or declare another size than they have.
        Exception: one of `NPZ_ERRORS`: not an ``.npz`` without pickles.
    """
    with zipfile.ZipFile(path) as file:
        members = _members(file, path)
        chosen = {name: member for name, member in members.items() if wanted(name)}
        total = 0
        for name, member in chosen.items():
            with file.open(member) as stream:
                declared = _declared(stream)
            if declared != member.file_size:
                raise BadInput(f"{path}: array {name!r} declares another size than it has: the file is damaged")
            total += declared
            if total > most:
                raise BadInput(f"{path}: its arrays are more than {size_text(most)} (allowed: up to that)")
        return {name: _array(file, member) for name, member in chosen.items()}


def array_names(path: Path) -> list[str]:
    """Return the names of all arrays of a file.

    Raises:
        OSError, ValueError, zipfile.BadZipFile: not an ``.npz``.
    """
    with zipfile.ZipFile(path) as file:
        return sorted(_members(file, path))


def _members(file: zipfile.ZipFile, path: Path) -> Mapping[str, zipfile.ZipInfo]:
    found: dict[str, zipfile.ZipInfo] = {}
    for member in file.infolist():
        name = member.filename.removesuffix(_SUFFIX)
        if name in found:
            raise BadInput(f"{path} has two arrays {name!r} (allowed: each name once)")
        found[name] = member
    return found


def _declared(stream: IO[bytes]) -> int:
    """Return the bytes of the whole member as its head says, which is read no further than it may be long."""
    magic = stream.read(np.lib.format.MAGIC_LEN)
    major, _ = np.lib.format.read_magic(io.BytesIO(magic))
    if major not in _LENGTHS:
        raise ValueError(f"version {major} of the array format")
    length_bytes = stream.read(_LENGTHS[major])
    length = int.from_bytes(length_bytes, "little")
    if length > NPY_HEADER_BYTES:
        raise ValueError(f"a head of {length} bytes")
    head = io.BytesIO(length_bytes + stream.read(length))
    read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(head, max_header_size=NPY_HEADER_BYTES)
    if dtype.hasobject:
        raise ValueError("objects, which are pickles")
    return len(magic) + len(length_bytes) + length + math.prod(shape) * dtype.itemsize


def _array(file: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray[Any, Any]:
    with file.open(member) as stream:
        return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))


NPZ_ERRORS = (
    OSError,
    ValueError,
    EOFError,
    AttributeError,
    TypeError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    SyntaxError,
    zipfile.BadZipFile,
    zlib.error,
)
"""Whatever reading a damaged ``.npz`` may raise, lack of memory aside; `BadInput` is one of them and says more."""
