"""Which classes a checkpoint knows, where it says so, and whether they are those of the images that it is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prune_core.base.errors import BadInput
from prune_core.networks.checkpoint_files import read_beside_tensors

NAMES = ("classes", "class_names")
"""Keys of a list of names, in the order of the outputs: in the metadata of ``.safetensors`` (as JSON), or beside the state
dict in what ``torch.save`` wrote."""
NUMBERS = "class_to_idx"
"""Key of a mapping of names to outputs, as torchvision's image folders give it."""


def class_names(path: str | Path) -> tuple[str, ...] | None:
    """Return the names of a checkpoint's outputs, in their order; None where it does not say them.

    Raises:
        BadInput: the file cannot be read, or what it says is no list of different names.
    """
    beside = read_beside_tensors(path)
    for key in (*NAMES, NUMBERS):
        if key in beside:
            return _names(Path(path), key, beside[key])
    return None


def classes_text(path: str | Path) -> dict[str, str]:
    """Return what a checkpoint says of its classes as metadata for another file; empty where it says nothing."""
    names = class_names(path)
    return {} if names is None else {NAMES[0]: json.dumps(names)}


def check_class_names(path: str | Path, classes: Sequence[str], data: str) -> None:
    """Hold the classes that a checkpoint names against those of a dataset; nothing where either has no names.

    Raises:
        BadInput: other classes, or the same in another order: every number would be of a network that is not meant.
    """
    known = class_names(path)
    if known is None or known == tuple(classes) or _unnamed(known) or _unnamed(classes):
        return
    name = Path(path).name
    foreign = [each for each in known if each not in classes] or [each for each in classes if each not in known]
    if foreign or len(known) != len(classes):
        whose = name if foreign and foreign[0] in known else f"data {data!r}"
        only = f"{foreign[0]!r} is only in {whose}" if foreign else f"{len(known)} are not {len(classes)}"
        raise BadInput(f"{name} names other classes than data {data!r}: {only} (allowed: the classes it was trained on)")
    at = next(number for number, (one, other) in enumerate(zip(known, classes, strict=True)) if one != other)
    raise BadInput(
        f"{name} has the classes of data {data!r} in another order: its output {at} is {known[at]!r}, not {classes[at]!r} "
        f"(allowed: one order; an image folder takes that of the network as its option classes: [{', '.join(known)}])"
    )


def _names(path: Path, key: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if isinstance(value, Mapping) and sorted(value.values(), key=str) == sorted(range(len(value)), key=str):
        value = sorted(value, key=value.__getitem__)
    names = tuple(value) if isinstance(value, list | tuple) else ()
    if not names or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise BadInput(f"{path}: {key} is no list of class names (allowed: different names, in the order of the outputs)")
    return names


def _unnamed(classes: Sequence[str]) -> bool:
    return all(name == str(number) for number, name in enumerate(classes))
