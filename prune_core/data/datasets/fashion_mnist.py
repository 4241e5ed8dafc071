"""``fashion_mnist``: 70,000 pictures of clothes; the files of the Debian package, or of a torchvision folder."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from prune_core.base.errors import BadInput
from prune_core.base.limits import MB, size_text
from prune_core.data.dataset import Arrays, Request, Size, dataset
from prune_core.data.options import refuse_argument, refuse_rest, take_folder
from prune_core.data.reasons import reason

_DEBIAN = Path("/usr/share/datasets/fashion-mnist")
_MOST_BYTES = 50 * MB
"""Of one file: the training images have 47 MB."""
_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


@dataset("fashion_mnist", size=Size(60_000, 10_000, (28, 28, 1), 10))
def fashion_mnist(argument: str, options: dict[str, Any], cache: Path) -> Request:
    """Open Fashion-MNIST (Xiao and others 2017): 70,000 images (28, 28, 1); option ``root``: where the files are."""
    refuse_argument("fashion_mnist", argument)
    root = take_folder(options, "root")
    refuse_rest("fashion_mnist", options, ("mean", "root", "std"))
    places = [root] if root is not None else [_DEBIAN, cache / "downloads" / "fashion-mnist"]
    paths = _find(places)
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return Request(
        title="Fashion-MNIST",
        licence="MIT",
        source="Fashion-MNIST (Xiao, Rasul and Vollgraf 2017)",
        fingerprint={"sha256": digest.hexdigest()},
        decode=lambda: _decode(paths),
    )


def _find(places: list[Path]) -> list[Path]:
    folders = [place / below for place in places for below in ("", "FashionMNIST/raw", "raw")]
    missing = _FILES[0]
    for folder in folders:
        found = [_either(folder, name) for name in _FILES]
        if all(path is not None for path in found):
            return [path for path in found if path is not None]
        if any(path is not None for path in found):
            missing = _FILES[found.index(None)]
    raise BadInput(
        f"dataset 'fashion_mnist': {missing}.gz is missing (looked in {', '.join(map(str, places))}); install the Debian "
        f"package dataset-fashion-mnist, or get the four files from https://github.com/zalandoresearch/fashion-mnist and "
        f"put them into {places[-1]}"
    )


def _either(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}.gz", folder / name) if path.is_file()), None)


def _decode(paths: list[Path]) -> Arrays:
    images, labels, test_images, test_labels = (_idx(path) for path in paths)
    return Arrays(
        classes=_CLASSES,
        train_images=images[..., None],
        train_labels=labels.astype(np.int64),
        test_images=test_images[..., None],
        test_labels=test_labels.astype(np.int64),
        mean=(0.2860,),
        std=(0.3530,),
    )


def _idx(path: Path) -> np.ndarray[Any, Any]:
    """Return the bytes of an IDX file: two zeros, type 8, the number of dimensions, each as 4 bytes, the values."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ValueError(f"more than {size_text(_MOST_BYTES)}")
        dimensions = content[3]
        shape = np.frombuffer(content, dtype=">u4", count=dimensions, offset=4)
        values = np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * dimensions).reshape(shape)
    except (OSError, EOFError, ValueError, IndexError, zlib.error) as error:
        raise BadInput(f"{path} is not a readable IDX file ({reason(error)}): get it again") from error
    if content[:3] != b"\x00\x00\x08" or values.ndim != (3 if "idx3" in path.name else 1):
        raise BadInput(f"{path} is not an IDX file of bytes: get it again")
    return values
