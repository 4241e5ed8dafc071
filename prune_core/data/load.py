"""The one entrance: `load_dataset`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from prune_core.base.errors import BadInput
from prune_core.base.own_code import own_code
from prune_core.data.cache import dataset_folder, default_cache, read_arrays, write_arrays
from prune_core.data.dataset import DATASETS, Arrays, Dataset, Request
from prune_core.data.options import take_channel_values


def load_dataset(name: str, *, cache: Path | None = None, **options: Any) -> Dataset:
    """Return a dataset, decoded at most once per machine.

    Args:
        name: A name of ``DATASETS``; ``image_folder:PATH`` and ``arrays:FILE`` carry a path.
        cache: Folder of the array cache; default ``PRUNEFRONT_CACHE``, else ``~/.cache/prunefront``.
        options: Of the dataset (``root``, ``size``, ...); ``mean`` and ``std`` replace the normalisation, for a network that
            was trained with another one.

    Raises:
        BadInput: for an unknown dataset or option, and for a missing file: which, where it was looked for, where to get it.
    """
    kind, _, argument = str(name).partition(":")
    opener = DATASETS.get(kind)
    left = dict(options)
    mean, std = take_channel_values(left, "mean"), take_channel_values(left, "std")
    folder = Path(cache).expanduser() if cache is not None else default_cache()
    module = DATASETS.module(kind)
    with own_code(f"dataset {kind}", module):
        request = opener(argument, left, folder)
    _check_type(name, "its function returned", request, Request)
    # arrays that other code of the user's decoded are other arrays
    code = DATASETS.code(kind)
    target = dataset_folder(folder, kind, {**request.fingerprint, **({"code": dict(code)} if code else {})})
    found = read_arrays(target)
    if found is None:
        try:
            with own_code(f"dataset {kind}", module):
                arrays = request.decode()
            _check_type(name, "its decode function returned", arrays, Arrays)
            _check(name, arrays)
            write_arrays(target, arrays)
        except MemoryError:
            raise BadInput(
                f"dataset {name!r} does not fit into this machine's memory (allowed: fewer or smaller images)"
            ) from None
        found = read_arrays(target)
    if found is None:
        raise BadInput(f"the array cache {target} vanished while it was read: is something clearing it?")
    arrays, checksum = found
    channels = arrays.train_images.shape[3]
    return Dataset(
        name=str(name),
        title=request.title,
        classes=arrays.classes,
        mean=_per_channel("mean", mean, arrays.mean, channels),
        std=_per_channel("std", std, arrays.std, channels),
        licence=request.licence,
        source=request.source,
        checksum=checksum,
        train_images=arrays.train_images,
        train_labels=np.asarray(arrays.train_labels),
        test_images=arrays.test_images,
        test_labels=None if arrays.test_labels is None else np.asarray(arrays.test_labels),
        jpeg=arrays.jpeg,
        kinds=arrays.kinds,
    )


def _per_channel(
    option: str, given: tuple[float, ...] | None, own: tuple[float, ...] | None, channels: int
) -> tuple[float, ...]:
    values = given or own or ()
    if len(values) == 1:
        return values * channels
    if len(values) != channels:
        raise BadInput(f"dataset option {option!r} has {len(values)} numbers, the images have {channels} channels")
    return values


def _check_type(name: str, what: str, value: object, kind: type) -> None:
    """Raise `BadInput` for something else than what a dataset must return."""
    if not isinstance(value, kind):
        raise BadInput(f"dataset {name!r}: {what} {type(value).__name__} (allowed: {kind.__name__})")


def _check(name: str, arrays: Arrays) -> None:
    """Raise `BadInput` for arrays that do not fit together."""
    for part in ("train", "test"):
        images, labels = getattr(arrays, f"{part}_images"), getattr(arrays, f"{part}_labels")
        if images is None and labels is None and part == "test":
            continue
        if images is None or labels is None:
            raise BadInput(f"dataset {name!r}: {part} images and labels come together, one of them is missing")
        for what, values in (("images", images), ("labels", labels)):
            _check_type(name, f"its {part} {what} are", values, np.ndarray)
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
            raise BadInput(
                f"dataset {name!r}: {part} images are {images.dtype} {images.shape} (allowed: uint8 (N, H, W, 1 or 3))"
            )
        if not np.issubdtype(labels.dtype, np.integer):
            raise BadInput(f"dataset {name!r}: {part} labels are {labels.dtype} (allowed: whole numbers from 0)")
        if labels.shape != (len(images),):
            raise BadInput(f"dataset {name!r}: {len(images)} {part} images but labels of shape {labels.shape}")
        if not len(images):
            raise BadInput(f"dataset {name!r} has no {part} images")
        if labels.min() < 0 or labels.max() >= len(arrays.classes):
            raise BadInput(f"dataset {name!r}: a {part} label is outside 0..{len(arrays.classes) - 1}")
    if arrays.test_images is not None and arrays.test_images.shape[1:] != arrays.train_images.shape[1:]:
        raise BadInput(
            f"dataset {name!r}: train images are {arrays.train_images.shape[1:]}, test images {arrays.test_images.shape[1:]}"
        )
