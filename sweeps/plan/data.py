"""The checksum of a study's data: part of every key, so that other images are other trials."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune_core.base.errors import BadInput
from prune_core.base.files import read_json
from prune_core.base.keys import keyed_data
from prune_core.base.trial_folder import DESCRIPTION
from prune_core.corruptions import official_set
from prune_core.corruptions.apply import LARGEST, SMALLEST
from prune_core.data import load_dataset, split_dataset
from prune_core.data.cache import default_cache
from sweeps.folder.paths import trials_folder
from sweeps.study.model import Study

if TYPE_CHECKING:
    from prune_core.data import Dataset


def data_checksum(study: Study, out: Path | None, *, required: bool) -> str | None:
    """Return the checksum of the study's dataset.

    Args:
        study: the resolved study.
        out: an output folder whose trials know the checksum, for a machine that has not the data.
        required: raise when the data is not at hand, instead of asking the folder.

    Raises:
        BadInput: the data is required and not at hand.
    """
    try:
        dataset = load_data(study.data.name, study.data.options, download=required)
    except BadInput as error:
        if required:
            raise BadInput(f"data: {error}") from None
        return _remembered(study, out)
    try:
        split_dataset(dataset, study.seed, validation=study.data.validation, test=study.data.test, train=study.data.train)
    except BadInput as error:
        raise BadInput(f"data: {error}") from None
    _check_corruptions(study, dataset, files=required)
    return dataset.checksum


def _check_corruptions(study: Study, dataset: Dataset, *, files: bool) -> None:
    """Raise `BadInput` where the corrupted images could not be had, before hours of training instead of after them."""
    evaluation = study.evaluation
    height, width, _ = dataset.shape
    if evaluation.corruptions != "none" and not all(SMALLEST <= side <= LARGEST for side in (height, width)):
        raise BadInput(
            f"evaluation.corruptions: {evaluation.corruptions}, but images of {height}x{width} pixels cannot be corrupted "
            f"(allowed: {SMALLEST} to {LARGEST} pixels, see data.options.size; or corruptions: none)"
        )
    if evaluation.corruptions != "official":
        return
    if dataset.test_images is None:
        raise BadInput(f"evaluation.corruptions: official, but data {dataset.name!r} has no test images of its own")
    try:
        if files:
            official_set(evaluation.folder or default_cache(), name=dataset.name, labels=dataset.test_labels)
    except BadInput as error:
        raise BadInput(f"evaluation.corruptions: official: {error}") from None


def load_data(name: str, options: Mapping[str, Any], *, download: bool) -> Dataset:
    """Return a dataset; without ``download`` only if it is at hand: a plan, or a look around, must not fetch anything.

    Raises:
        BadInput: it is not at hand, or its options are wrong.
    """
    if download or "download" in options:
        return load_dataset(name, **options)
    try:
        return load_dataset(name, download=False, **options)
    except BadInput as error:
        if "no option 'download'" not in str(error):
            raise
    return load_dataset(name, **options)


def _remembered(study: Study, out: Path | None) -> str | None:
    if out is None:
        return None
    for path in sorted(trials_folder(out).glob(f"*/{DESCRIPTION}")):
        try:
            data: dict[str, Any] = read_json(path)["baseline"]["data"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        known = data.get("checksum")
        asked = {"name": study.data.name, "options": study.data.options, "checksum": known}
        if known is not None and {name: keyed_data(data)[name] for name in asked} == keyed_data(asked):
            return str(known)
    return None
