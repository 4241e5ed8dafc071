"""A study's data: its checksum, part of every key, so that other images are other trials; what a run noted of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune_core.base.errors import BadInput, NotAtHand, UnknownOption
from prune_core.base.files import read_json
from prune_core.base.keys import keyed_data
from prune_core.base.trial_folder import DESCRIPTION
from prune_core.corruptions import official_set
from prune_core.corruptions.apply import LARGEST, SMALLEST
from prune_core.data import load_dataset, split_dataset
from prune_core.data.cache import default_cache
from prune_core.data.dataset import contents_text
from sweeps.study.model import Study
from sweeps.study.yaml import read_study_yaml

if TYPE_CHECKING:
    from prune_core.data import Dataset


@dataclass(frozen=True)
class DataFacts:
    """What a run found out about its data and wrote into its folder, so that who only reads opens no images.

    Attributes:
        checksum: of the arrays.
        train: training images, before the cut.
        test: the dataset's own test images, 0 for none.
        shape: (H, W, C) of an image.
        classes: how many there are.
        kinds: files read of each suffix; empty where the images were no files.
    """

    checksum: str
    train: int = 0
    test: int = 0
    shape: tuple[int, int, int] = (0, 0, 0)
    classes: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)

    @property
    def counted(self) -> bool:
        """Whether more than the checksum is known: folders of version 0.1.0 hold no more."""
        return self.train > 0

    @property
    def contents(self) -> str:
        """What was read: ``600 images: 590 .png, 10 .jpg in 4 classes``."""
        return contents_text(self.train + self.test, self.kinds, self.classes)

    def to_plain(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "shape": list(self.shape), "kinds": dict(self.kinds)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> DataFacts:
        """Return what `to_plain` made.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        height, width, channels = map(int, plain["shape"])
        kinds = {str(suffix): int(count) for suffix, count in plain["kinds"].items()}
        numbers = {name: int(plain[name]) for name in ("train", "test", "classes")}
        return cls(str(plain["checksum"]), shape=(height, width, channels), kinds=kinds, **numbers)


UNKNOWN = DataFacts("")
"""Where nothing is known of the data."""


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
            raise BadInput(f"data: {error}") from None
        return recorded_data(study, out)
    _check(study, dataset, files=required)
    return _facts(dataset)


def data_checksum(study: Study, out: Path | None, *, required: bool) -> str | None:
    """Return the checksum of the study's dataset, or None; arguments and errors as of `study_data`."""
    facts = study_data(study, out, required=required)
    return None if facts is None else facts.checksum


def check_data(study: Study) -> None:
    """Say what a run would say about the study's data, without fetching any.

    Raises:
        BadInput: the data, its options, its cut or its official corruptions are wrong or missing. Data that a run would
            fetch is no error.
    """
    try:
        dataset = load_data(study.data.name, study.data.options, download=False)
    except NotAtHand:
        return
    except BadInput as error:
        raise BadInput(f"data: {error}") from None
    _check(study, dataset, files=True)


def recorded_data(study: Study, out: Path | None) -> DataFacts | None:
    """Return what the last run of a study wrote into its folder about the data; no image is opened.

    Older folders hold the checksum alone, in the descriptions of their trials.
    """
    if out is None:
        return None
    try:
        whole = read_study_yaml(out / "study.yaml")
        data, facts = whole["data"], DataFacts.from_plain(whole["provenance"]["data"])
        if _is_asked(study, {**data, "checksum": facts.checksum}):
            return facts
    except (BadInput, OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return _remembered(study, out)


def _facts(dataset: Dataset) -> DataFacts:
    own_test = 0 if dataset.test_labels is None else len(dataset.test_labels)
    return DataFacts(
        dataset.checksum, len(dataset.train_labels), own_test, dataset.shape, len(dataset.classes), dict(dataset.kinds)
    )


def _check(study: Study, dataset: Dataset, *, files: bool) -> None:
    try:
        split_dataset(dataset, study.seed, validation=study.data.validation, test=study.data.test, train=study.data.train)
    except BadInput as error:
        raise BadInput(f"data: {error}") from None
    _check_corruptions(study, dataset, files=files)


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
        NotAtHand: it is not here, and could be fetched.
        BadInput: it is not here and cannot be fetched, or its options are wrong.
    """
    if download or options.get("download", True) is not True:
        try:
            return load_dataset(name, **options)
        except NotAtHand as error:  # its own options forbid to fetch it
            raise BadInput(str(error)) from None
    try:
        return load_dataset(name, **{**options, "download": False})
    except UnknownOption as error:
        if error.option != "download" or "download" in options:
            raise
    return load_dataset(name, **options)


def _remembered(study: Study, out: Path) -> DataFacts | None:
    """Return the checksum that the newest trial of this data knows."""
    paths = [(path.stat().st_mtime_ns, path) for path in (out / "trials").glob(f"*/{DESCRIPTION}")]
    for _, path in sorted(paths, reverse=True):
        try:
            data: dict[str, Any] = read_json(path)["baseline"]["data"]
            if data.get("checksum") is not None and _is_asked(study, data):
                return DataFacts(str(data["checksum"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return None


def _is_asked(study: Study, data: Mapping[str, Any]) -> bool:
    """Return whether described data has the name and the options that the study asks for; places aside."""
    asked = {"name": study.data.name, "options": study.data.options, "checksum": data["checksum"]}
    return {name: keyed_data(data)[name] for name in asked} == keyed_data(asked)
