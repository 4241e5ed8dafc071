"""``arrays:FILE``: an ``.npz`` with ``images`` (uint8 NHWC) and ``labels``; optionally test images and class names."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from prune_core.base.errors import BadInput
from prune_core.base.limits import data_bytes
from prune_core.base.npz import NPZ_ERRORS, array_names, read_npz
from prune_core.data.dataset import Arrays, Labels, Request, dataset
from prune_core.data.options import refuse_rest

_MEMBERS = ("images", "labels", "test_images", "test_labels", "classes")
_MOST_CLASSES = 100_000
_ALLOWED = "allowed: an .npz with images, uint8 (N, H, W, C), and labels; optionally test_images, test_labels, classes"


@dataset("arrays", argument="FILE")
def arrays(argument: str, options: dict[str, Any], cache: Path) -> Request:
    """Open a file of arrays; nothing in it is executed (no pickle)."""
    refuse_rest("arrays", options, ("mean", "std"))
    path = Path(argument).expanduser()
    if not argument or not path.is_file():
        raise BadInput(f"dataset 'arrays:FILE': there is no file {argument!r} ({_ALLOWED})")
    with path.open("rb") as stream:
        checksum = hashlib.file_digest(stream, "sha256").hexdigest()
    return Request(
        title=path.stem,
        licence="the owner's",
        source=f"arrays in {path.name}",
        fingerprint={"sha256": checksum},
        decode=lambda: _decode(path),
    )


def _decode(path: Path) -> Arrays:
    try:
        members = read_npz(path, _MEMBERS.__contains__, data_bytes())
        others = [name for name in array_names(path) if name not in members]
    except BadInput:
        raise
    except NPZ_ERRORS as error:
        raise BadInput(f"{path} is not a readable .npz without pickles ({_ALLOWED})") from error
    for name in ("images", "labels"):
        if name not in members:
            raise BadInput(
                f"{path} has no array {name!r}, only {', '.join(sorted([*members, *others])[:20]) or 'nothing'} ({_ALLOWED})"
            )
    labels = _labels(path, "labels", members["labels"])
    test_labels = _labels(path, "test_labels", members["test_labels"]) if "test_labels" in members else None
    used = np.unique(np.concatenate([each for each in (labels, test_labels) if each is not None]))
    return Arrays(
        classes=_classes(path, members.get("classes"), used),
        train_images=members["images"],
        train_labels=labels,
        test_images=members.get("test_images"),
        test_labels=test_labels,
    )


def _labels(path: Path, name: str, values: np.ndarray[Any, Any]) -> Labels:
    if values.ndim != 1 or not len(values) or not np.issubdtype(values.dtype, np.integer):
        raise BadInput(f"{path}: {name} is {values.dtype} {values.shape} (allowed: whole numbers (N,))")
    lowest, highest = int(values.min()), int(values.max())
    if lowest < 0 or highest >= _MOST_CLASSES:
        raise BadInput(f"{path}: {name} go from {lowest} to {highest} (allowed: 0 to the number of classes less one)")
    return values.astype(np.int64)


def _classes(path: Path, names: np.ndarray[Any, Any] | None, used: Labels) -> tuple[str, ...]:
    needed = int(used[-1]) + 1
    if names is None:
        if len(used) < needed:
            gap = next(number for number, label in enumerate(used) if number != label)
            raise BadInput(
                f"{path}: labels go from {used[0]} to {used[-1]} and none is {gap}, which would make a class that does not "
                f"exist (allowed: 0 to the number of classes less one, each of them used; or classes, the name of each)"
            )
        return tuple(str(number) for number in range(needed))
    if names.ndim != 1 or len(names) < needed or names.dtype.kind != "U":
        raise BadInput(f"{path}: classes is {names.dtype} {names.shape} (allowed: text ({needed},) or more)")
    return tuple(str(name) for name in names)
