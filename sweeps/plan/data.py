"""The checksum of a study's data: part of every key, so that other images are other trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune_core.base.errors import BadInput
from prune_core.base.trial_folder import DESCRIPTION
from prune_core.corruptions import official_digest
from prune_core.corruptions.apply import LARGEST, SMALLEST
from prune_core.data import load_dataset, split_dataset
from prune_core.data.cache import default_cache
from prune_core.data.options import described_options
from prune_core.trial.code import data_code
from prune_core.trial.description import TrialDescription
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
    _check_corruptions(study, dataset)
    return dataset.checksum


def with_official_files(study: Study, out: Path | None, *, required: bool) -> Study:
    """Return the study with the digest of its official corruption files, where it uses any: that is part of the keys.

    Args:
        study: the resolved study.
        out: an output folder whose trials know the digest, for a machine that has not the files.
        required: raise when the files are not at hand, instead of asking the folder.

    Raises:
        BadInput: the files are required and not at hand, or not those that the study names.
    """
    evaluation = study.evaluation
    if evaluation.corruptions != "official":
        return study
    try:
        labels = load_data(study.data.name, study.data.options, download=False).test_labels
        folder, name = evaluation.folder or default_cache(), study.data.name
        found: str | None = official_digest(folder, name=name, labels=labels, cache=default_cache())
    except BadInput as error:
        if required:
            raise BadInput(f"evaluation.corruptions: official: {error}") from None
        found = evaluation.sha256 or _remembered_files(study, out)
    if evaluation.sha256 not in (None, found):
        raise BadInput(f"evaluation.sha256: the files have SHA-256 {found}, not {evaluation.sha256}")
    return study.model_copy(update={"evaluation": evaluation.model_copy(update={"sha256": found})})


def _check_corruptions(study: Study, dataset: Dataset) -> None:
    """Raise `BadInput` where the corrupted images could not be had, before hours of training instead of after them."""
    evaluation = study.evaluation
    height, width, _ = dataset.shape
    if evaluation.corruptions != "none" and not all(SMALLEST <= side <= LARGEST for side in (height, width)):
        raise BadInput(
            f"evaluation.corruptions: {evaluation.corruptions}, but images of {height}x{width} pixels cannot be corrupted "
            f"(allowed: {SMALLEST} to {LARGEST} pixels, see data.options.size; or corruptions: none)"
        )
    if evaluation.corruptions == "official" and dataset.test_images is None:
        raise BadInput(f"evaluation.corruptions: official, but data {dataset.name!r} has no test images of its own")


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


def _described(out: Path | None) -> Iterator[TrialDescription]:
    """Yield the descriptions in an output folder that can be read."""
    for path in sorted(trials_folder(out).glob(f"*/{DESCRIPTION}")) if out is not None else ():
        try:
            yield TrialDescription.read(path.parent)
        except (OSError, BadInput):
            continue


def _remembered_files(study: Study, out: Path | None) -> str | None:
    folder = None if study.evaluation.folder is None else str(study.evaluation.folder)
    judged = (description.evaluation for description in _described(out))
    return next((each.files for each in judged if each.files is not None and each.folder == folder), None)


def _remembered(study: Study, out: Path | None) -> str | None:
    for data in (description.baseline.data for description in _described(out)):
        # the same images, however they are cut
        asked = replace(
            data,
            name=study.data.name,
            options=described_options(study.data.name, study.data.options),
            code=data_code(study.data.name),
        )
        if data.checksum is not None and data.keyed() == asked.keyed():
            return data.checksum
    return None
