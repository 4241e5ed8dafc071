"""The images that one network is judged on from the command line, and corrupted images as files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prune_core.base.benchmark import CORRUPTION_SOURCES
from prune_core.base.errors import BadInput, UnknownName
from prune_core.base.files import replacing
from prune_core.base.progress import on_terminal
from prune_core.corruptions import (
    CORRUPTIONS,
    EXTRA,
    GROUPS,
    SEVERITIES,
    STANDARD,
    contact_sheet,
    expanded,
    generated_set,
    official_set,
    set_label,
)
from prune_core.corruptions.apply import corrupt_numbered
from prune_core.corruptions.fetch import fetch_official
from prune_core.corruptions.sets import list_label
from prune_core.data import balanced_subset, load_dataset
from prune_core.data.cache import default_cache

if TYPE_CHECKING:
    from prune_core.corruptions import CorruptedSet
    from prune_core.data import Dataset


@dataclass(frozen=True)
class Shown:
    """What the network is shown.

    Attributes:
        images: ``(N, H, W, C)`` uint8.
        labels: ``(N,)``.
        numbers: ``(N,)``: their numbers in their set; the corruption of an image depends on it.
        total: how many there were to choose from.
        test: whether they are the dataset's own test images; else they are all it has.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    numbers: NDArray[np.int64]
    total: int
    test: bool


def images_title(dataset: Dataset) -> str:
    """Return what tables and figures call the images."""
    return f"{dataset.title} (JPEG re-encoded)" if dataset.jpeg else dataset.title


def report_images(dataset: Dataset, limit: int | None) -> Shown:
    """Return the test images, or all images of a dataset without; with a limit a seeded choice, balanced over classes."""
    own = dataset.test_images is not None and dataset.test_labels is not None
    images: Any = dataset.test_images if own else dataset.train_images
    labels: Any = dataset.test_labels if own else dataset.train_labels
    if limit is None or limit >= len(labels):
        return Shown(images, labels, np.arange(len(labels)), len(labels), own)
    chosen = balanced_subset(labels, limit, "judged from the command line")
    return Shown(np.ascontiguousarray(images[chosen]), labels[chosen], chosen, len(labels), own)


def corruption_names(text: str) -> str | tuple[str, ...]:
    """Return what ``--corruptions`` asks for: a source, or the corruptions that its names and groups stand for.

    Raises:
        UnknownName: neither.
    """
    if text in CORRUPTION_SOURCES:
        return text
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = next((name for name in names if name not in CORRUPTIONS and name not in GROUPS), None if names else text)
    if unknown is not None:
        raise UnknownName("corruption", unknown, [*CORRUPTION_SOURCES, *GROUPS, *CORRUPTIONS])
    return expanded(names)


def corrupted_images(
    dataset: Dataset, shown: Shown, source: str | tuple[str, ...], *, folder: Path | None, fetch: bool, seed: int
) -> CorruptedSet | None:
    """Return the shown images under corruptions, None where ``source`` is ``none``.

    Args:
        dataset: theirs.
        shown: the clean images.
        source: what `corruption_names` returned.
        folder: of the official files; None is the cache.
        fetch: get the official files where they are not there.
        seed: of the generated ones.

    Raises:
        BadInput: official files that are not there or not of these images.
    """
    if source == "none":
        return None

    if source != "official":
        names = STANDARD if isinstance(source, str) else source
        made = generated_set(
            shown.images,
            shown.numbers,
            name=dataset.name,
            corruptions=names,
            seed=seed,
            cache=default_cache(),
            progress=on_terminal,
            title=dataset.title,
            jpeg=dataset.jpeg,
        )
        return replace(made, label=f"{made.label}{list_label(names)}")
    if not shown.test:
        raise BadInput(f"dataset {dataset.name!r} has no test images of its own, so no official corruptions")
    where = folder or default_cache()
    if fetch:
        fetch_official(dataset.name, where, told=on_terminal, cache=default_cache())
    everything = len(shown.labels) == shown.total  # then nothing is copied into memory
    return official_set(
        where,
        name=dataset.name,
        labels=dataset.test_labels,
        positions=None if everything else shown.numbers,
        cache=default_cache(),
    )


_FILES = frozenset(
    (".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".svg", ".pdf", ".npy", ".npz", ".txt", ".csv")
)
"""Endings of files, which nobody gives to a folder: the user means a file of a kind that is not written."""


def corrupt_to(
    data: str, names: tuple[str, ...], *, options: Mapping[str, Any], limit: int | None, seed: int, output: Path
) -> str:
    """Corrupt images of a dataset; return what was done in one line.

    An ``output`` that ends in ``.png`` gets a contact sheet, corruptions down and severities across. Any other is a folder
    in the layout of CIFAR-10-C: ``NAME.npy`` is uint8 ``(5 N, H, W, C)``, severity 1 first, ``labels.npy`` holds the labels,
    repeated five times; ``contact-sheet.png`` lies beside them.

    Raises:
        BadInput: an unknown name or group, data that is not there, a place that cannot be written.
    """
    names = expanded(names)
    if output.suffix.lower() in _FILES and not output.is_dir():
        raise BadInput(
            f"--output: {output} would be a folder (allowed: a contact sheet, which ends in .png, or a folder's name)"
        )
    dataset = load_dataset(data, **options)
    label = set_label(dataset.name, seed, title=dataset.title, jpeg=dataset.jpeg)
    if output.suffix.lower() == ".png":
        few = report_images(dataset, min(limit or 1, 8))
        contact_sheet(
            few.images, output, numbers=few.numbers, corruptions=names or (*STANDARD, *EXTRA), seed=seed, title=label
        )
        return f"{output}: {label}, {len(names) or len(STANDARD) + len(EXTRA)} corruptions, contact sheet"
    chosen = names or STANDARD
    shown = report_images(dataset, limit)
    try:
        _write_arrays(output, shown, chosen, seed)
    except OSError as error:
        raise BadInput(f"--output: {output} cannot be written: {error.strerror}") from None
    contact_sheet(
        shown.images[:1], output / "contact-sheet.png", numbers=shown.numbers[:1], corruptions=chosen, seed=seed, title=label
    )
    return f"{output}: {label}, {len(chosen)} corruptions of {len(shown.labels)} images"


def _write_arrays(output: Path, shown: Shown, names: tuple[str, ...], seed: int) -> None:

    for at, name in enumerate(names):
        on_terminal(at, len(names), name)
        each = [corrupt_numbered(shown.images, name, severity, shown.numbers, seed=seed) for severity in SEVERITIES]
        _write_array(output / f"{name}.npy", np.concatenate(each))
    on_terminal(len(names), len(names), "")
    _write_array(output / "labels.npy", _small(np.tile(shown.labels, len(SEVERITIES))))


def _small(labels: NDArray[np.int64]) -> NDArray[Any]:
    """Return labels as uint8, as the official files hold them, where they fit."""
    return labels.astype(np.uint8) if labels.max() < 256 else labels


def _write_array(path: Path, array: NDArray[Any]) -> None:
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)
