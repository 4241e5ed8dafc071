"""The files of CIFAR-10 and CIFAR-100 as their authors publish them: found, fetched, checked, read without trusting them."""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prune_core.base.archives import ARCHIVES, open_archive
from prune_core.base.downloads import Published, bring, locked
from prune_core.base.errors import BadInput, NotAtHand
from prune_core.base.limits import MB, size_text
from prune_core.base.progress import on_terminal
from prune_core.data.dataset import Arrays
from prune_core.data.reasons import reason

_MOST_BYTES = 256 * MB
"""Of one file: the training images of CIFAR-100 have 155 MB."""
Checksums = tuple[tuple[str, str], ...]

_PICKLED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}


@dataclass(frozen=True)
class CifarFiles:
    """One dataset's files: names, sizes in bytes and MD5 checksums as published."""

    dataset: str
    url: str
    size: int
    md5: str
    folder: str
    train: Checksums
    test: Checksums
    meta: tuple[str, str]
    label_key: str
    names_key: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def archive(self) -> str:
        """File name of the archive."""
        return self.url.rsplit("/", 1)[1]


def find_files(files: CifarFiles, places: list[Path], download_to: Path | None) -> Path:
    """Return the folder of unpacked files or the archive; fetch the archive where there is neither.

    Raises:
        NotAtHand: download is off. One line says what is missing, where it was looked for, where to get it, where to put it.
        BadInput: the download failed; the same line. Or a place is an archive by its name, and is not there.
    """
    for place in places:
        for path in (place, place / files.folder, place / files.archive):
            if path.is_dir() and (path / files.meta[0]).is_file():
                return path
            if path.is_file() and path.name == files.archive:
                return path
    for place in places:
        if place.name.endswith(ARCHIVES) and not place.exists():
            # a download would make a folder of its name, where the archive belongs
            raise BadInput(
                f"dataset {files.dataset!r}: there is no archive {str(place)!r} (allowed: an archive or a folder there)"
            )
    failure = "download is off"
    if download_to is not None:
        try:
            return _download(files, download_to)
        except OSError as error:
            failure = reason(error)
    put = places[0] if places else download_to
    kind = NotAtHand if download_to is None else BadInput
    raise kind(
        f"dataset {files.dataset!r}: {files.archive} is missing (looked in {', '.join(map(str, places))}; {failure}); "
        f"get it from {files.url} and put it into {put}, or name a folder that has it by the option root"
    )


def _download(files: CifarFiles, folder: Path) -> Path:
    """Return the archive, fetched into ``folder``; of processes that ask at once, one fetches and the others wait."""
    target = folder / files.archive
    wanted = Published(files.archive, files.url, files.url, files.size, f"md5:{files.md5}")
    part = folder / f"{files.archive}.part"
    with locked(part, wait=True) as stream:
        if not target.is_file():
            bring(wanted, part, stream, told=on_terminal)
            part.replace(target)
    return target


def read_files(files: CifarFiles, path: Path) -> Arrays:
    """Return the arrays of a folder or an archive whose every file has its published checksum.

    Raises:
        BadInput: for a file that is missing, damaged or another one.
    """
    reader = _archive_reader(files, path) if path.is_file() else lambda name: (path / name).read_bytes()
    try:
        names = _unpickled(_checked(reader, path, *files.meta))[files.names_key]
        train = [_unpickled(_checked(reader, path, *each)) for each in files.train]
        test = [_unpickled(_checked(reader, path, *each)) for each in files.test]
        return Arrays(
            classes=tuple(str(name) for name in names),
            train_images=_images(train),
            train_labels=_labels(train, files.label_key),
            test_images=_images(test),
            test_labels=_labels(test, files.label_key),
            mean=files.mean,
            std=files.std,
        )
    except (OSError, KeyError, ValueError, pickle.UnpicklingError, EOFError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(
            f"dataset {files.dataset!r}: {path} cannot be read ({reason(error)}); get it again from {files.url}"
        ) from error


def _archive_reader(files: CifarFiles, path: Path) -> Callable[[str], bytes]:
    wanted = {name for name, _ in (*files.train, *files.test, files.meta)}
    contents = {}
    try:
        with open_archive(path) as members:
            for member, read in members:
                name = Path(member.name).name
                if name in wanted and member.isreg():
                    if member.size > _MOST_BYTES:
                        raise BadInput(f"{name} has {size_text(member.size)} (allowed: up to {size_text(_MOST_BYTES)})")
                    contents[name] = read()
    except BadInput as error:
        raise BadInput(f"dataset {files.dataset!r}: {error}; get it again from {files.url}") from error
    return contents.__getitem__


def _checked(reader: Callable[[str], bytes], path: Path, name: str, md5: str) -> bytes:
    try:
        content = reader(name)
    except (KeyError, OSError) as error:
        raise BadInput(f"{path} lacks the file {name}: unpack the archive again") from error
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
        raise BadInput(f"{path}: the file {name} is damaged or another one (its MD5 is not {md5}): get the archive again")
    return content


class _ArraysOnly(pickle.Unpickler):
    """Unpickles dicts, lists, text and arrays, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _PICKLED:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        return super().find_class(module, name)


def _unpickled(content: bytes) -> dict[str, Any]:
    found = _ArraysOnly(io.BytesIO(content), encoding="latin1").load()
    if not isinstance(found, dict):
        raise ValueError("not a table of arrays")
    return found


def _images(batches: list[dict[str, Any]]) -> np.ndarray[Any, Any]:
    planes = np.concatenate([np.asarray(batch["data"], dtype=np.uint8) for batch in batches])
    return np.ascontiguousarray(planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def _labels(batches: list[dict[str, Any]], key: str) -> np.ndarray[Any, Any]:
    return np.concatenate([np.asarray(batch[key], dtype=np.int64) for batch in batches])
