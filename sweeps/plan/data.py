"""A study's data: its checksum, part of every key, so that other images are other trials."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune_core import data as images
from prune_core.base.errors import BadInput, NotAtHand, UnknownOption
from prune_core.corruptions.apply import LARGEST, SMALLEST
from sweeps.plan.data_facts import DataFacts, recorded_data
from sweeps.study.model import Study

if TYPE_CHECKING:
    from prune_core.data import Dataset


def study_data(study: Study, out: Path | None, *, required: bool) -> DataFacts | None:
    """Return what is known of the study's dataset.

    Args:
        study: the resolved study.
        out: an output folder that knows the checksum, for a machine that has not the data.
        required: raise when the data is not at hand, instead of asking the folder.

    Raises:
        BadInput: the data is required and not at hand.
    """
    try:
        dataset = load_data(study.data.name, study.data.options, download=required)
    except BadInput as error:
        if required:
            raise BadInput(f"data: {error}{_where_now(study, out)}") from None
        return recorded_data(study, out)
    _check(study, dataset)
    return _facts(dataset)


def data_checksum(study: Study, out: Path | None, *, required: bool) -> str | None:
    """Return the checksum of the study's dataset, or None; arguments and errors as of `study_data`."""
    facts = study_data(study, out, required=required)
    return None if facts is None else facts.checksum


def check_data(study: Study) -> bool:
    """Say what a run would say about the study's data, without fetching any; return whether it is at hand.

    Raises:
        BadInput: the data, its options or its cut are wrong, or it is missing. Data that a run would fetch is no error.
    """
    try:
        dataset = load_data(study.data.name, study.data.options, download=False)
    except NotAtHand:
        return False
    except BadInput as error:
        raise BadInput(f"data: {error}") from None
    _check(study, dataset)
    return True


def load_data(name: str, options: Mapping[str, Any], *, download: bool) -> Dataset:
    """Return a dataset; without ``download`` only if it is at hand: a plan, or a look around, must not fetch anything.

    Raises:
        NotAtHand: it is not here, and could be fetched.
        BadInput: it is not here and cannot be fetched, or its options are wrong.
    """
    if download or options.get("download", True) is not True:
        try:
            return images.load_dataset(name, **options)
        except NotAtHand as error:  # its own options forbid to fetch it
            raise BadInput(str(error)) from None
    try:
        return images.load_dataset(name, **{**options, "download": False})
    except UnknownOption as error:
        if error.option != "download" or "download" in options:
            raise
    return images.load_dataset(name, **options)


def _where_now(study: Study, out: Path | None) -> str:
    """Return how to say where the images of an output folder are now, if somebody moved them; empty in a new folder."""
    if recorded_data(study, out) is None:
        return ""
    kind, colon, _ = study.data.name.partition(":")
    key = f"data.name={kind}:" if colon else "data.options.root="
    return f"; if they were moved, say where they are with --set {key}PATH: trials count by what is in the images, and stay"


def _facts(dataset: Dataset) -> DataFacts:
    own_test = 0 if dataset.test_labels is None else len(dataset.test_labels)
    return DataFacts(
        dataset.checksum,
        len(dataset.train_labels),
        own_test,
        dataset.shape,
        len(dataset.classes),
        dict(dataset.kinds),
        tuple(map(str, dataset.classes)),
    )


def _check(study: Study, dataset: Dataset) -> None:
    """Raise `BadInput` where the images cannot be cut or corrupted, before hours of training instead of after them."""
    try:
        images.split_dataset(
            dataset, study.seed, validation=study.data.validation, test=study.data.test, train=study.data.train
        )
    except BadInput as error:
        raise BadInput(f"data: {error}") from None
    evaluation = study.evaluation
    height, width, _ = dataset.shape
    if evaluation.corruptions != "none" and not all(SMALLEST <= side <= LARGEST for side in (height, width)):
        raise BadInput(
            f"evaluation.corruptions: {evaluation.corruptions}, but images of {height}x{width} pixels cannot be corrupted "
            f"(allowed: {SMALLEST} to {LARGEST} pixels, see data.options.size; or corruptions: none)"
        )
    if evaluation.corruptions == "official" and dataset.test_images is None:
        raise BadInput(f"evaluation.corruptions: official, but data {dataset.name!r} has no test images of its own")
