"""The array cache: decoded once, kept as ``.npy``, mapped read-only by every worker of a node.

A dataset's folder appears whole or not at all: it is built under a temporary name and renamed. Two builders who race do the
same work twice and the second one drops its copy; nobody waits for a lock.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from prune_core.base.description import content_key
from prune_core.base.errors import BadInput
from prune_core.base.files import read_json, temporary_folder, write_json
from prune_core.data.dataset import Arrays
from prune_core.data.reasons import reason

CACHE_FORMAT = 3
"""Raised where the same files are decoded to other arrays, or refused, by a later version."""
_COUNTED = 1000
_PARTS = ("train_images", "train_labels", "test_images", "test_labels")


def default_cache() -> Path:
    """Return the cache folder: ``PRUNEFRONT_CACHE``, else ``~/.cache/prunefront``."""
    return Path(os.environ.get("PRUNEFRONT_CACHE") or "~/.cache/prunefront").expanduser()


def dataset_folder(cache: Path, name: str, fingerprint: Any) -> Path:
    """Return the folder of one decoded dataset."""
    return cache / "datasets" / f"{name}-{content_key({'cache': CACHE_FORMAT, 'fingerprint': fingerprint})}"


def write_arrays(folder: Path, arrays: Arrays) -> None:
    """Write a decoded dataset as ``folder``, whole or not at all; a folder that somebody else finished first stays."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_folder(folder)
    except OSError as error:
        raise BadInput(
            f"cannot write to the cache folder {folder.parent}: {error.strerror} (set PRUNEFRONT_CACHE)"
        ) from error
    try:
        for part in _PARTS:
            array = getattr(arrays, part)
            if array is not None:
                np.save(temporary / f"{part}.npy", array, allow_pickle=False)
        mean, std = arrays.mean, arrays.std
        if mean is None or std is None:
            mean, std = _normalisation(arrays)
        meta = {"classes": list(arrays.classes), "mean": list(mean), "std": list(std), "jpeg": arrays.jpeg}
        kinds = [[suffix, count] for suffix, count in arrays.kinds.items()]  # in their order
        write_json(temporary / "meta.json", {**meta, "kinds": kinds, "checksum": _checksum(arrays)})
        try:
            temporary.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read_arrays(folder: Path) -> tuple[Arrays, str] | None:
    """Return the mapped arrays and their checksum; None where nothing is cached.

    Raises:
        BadInput: when the folder is there but cannot be read.
    """
    if not folder.is_dir():
        return None
    try:
        meta = read_json(folder / "meta.json")
        parts = {
            part: np.load(folder / f"{part}.npy", mmap_mode="r", allow_pickle=False)
            for part in _PARTS
            if (folder / f"{part}.npy").exists()
        }
        mean, std = tuple(meta["mean"]), tuple(meta["std"])
        kinds = {str(suffix): int(count) for suffix, count in meta["kinds"]}
        arrays = Arrays(tuple(meta["classes"]), mean=mean, std=std, jpeg=bool(meta["jpeg"]), kinds=kinds, **parts)
        return arrays, str(meta["checksum"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"the array cache {folder} cannot be read ({reason(error)}): delete that folder") from error


def _normalisation(arrays: Arrays) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel of the training images, from their histograms (exact)."""
    values = np.arange(256) / 255.0
    means, deviations = [], []
    for channel in range(arrays.train_images.shape[3]):
        share = _histogram(arrays.train_images[..., channel]) / arrays.train_images[..., channel].size
        mean = float(share @ values)
        means.append(round(mean, 4))
        deviations.append(max(round(float(np.sqrt(share @ (values - mean) ** 2)), 4), 0.001))
    return tuple(means), tuple(deviations)


def _histogram(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Count each of the 256 values, some images at a time: the counting takes eight times the memory of what it counts."""
    return sum(
        (np.bincount(values[at : at + _COUNTED].ravel(), minlength=256) for at in range(0, len(values), _COUNTED)),
        np.zeros(256, dtype=np.int64),
    )


def _checksum(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for part in _PARTS:
        array = getattr(arrays, part)
        if array is not None:
            digest.update(f"{part} {array.dtype.str} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
