"""What a run noted of its data in its folder, so that who only reads opens no images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from prune_core.base.errors import BadInput
from prune_core.base.trial_folder import DESCRIPTION
from prune_core.data.dataset import contents_text
from prune_core.data.options import described_options
from prune_core.trial.code import data_code
from prune_core.trial.description import TrialDescription
from prune_core.trial.description_parts import DataDescription
from sweeps.folder.paths import STUDY, trials_folder
from sweeps.study.model import Study
from sweeps.study.yaml import read_study_yaml


@dataclass(frozen=True)
class DataFacts:
    """What a run found out about its data and wrote into its folder.

    Attributes:
        checksum: of the arrays.
        train: training images, before the cut.
        test: the dataset's own test images, 0 for none.
        shape: (H, W, C) of an image.
        classes: how many there are.
        kinds: files read of each suffix; empty where the images were no files.
        class_names: what the classes are called, label by label; empty in folders of version 0.1.0.
    """

    checksum: str
    train: int = 0
    test: int = 0
    shape: tuple[int, int, int] = (0, 0, 0)
    classes: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)
    class_names: tuple[str, ...] = ()

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
        return {**asdict(self), "shape": list(self.shape), "kinds": dict(self.kinds), "class_names": list(self.class_names)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> DataFacts:
        """Return what `to_plain` made.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        height, width, channels = map(int, plain["shape"])
        kinds = {str(suffix): int(count) for suffix, count in plain["kinds"].items()}
        numbers = {name: int(plain[name]) for name in ("train", "test", "classes")}
        names = tuple(map(str, plain.get("class_names") or ()))
        return cls(str(plain["checksum"]), shape=(height, width, channels), kinds=kinds, class_names=names, **numbers)


UNKNOWN = DataFacts("")
"""Where nothing is known of the data."""


def recorded_data(study: Study, out: Path | None) -> DataFacts | None:
    """Return what the last run of a study wrote into its folder about the data; no image is opened.

    Older folders hold the checksum alone, in the descriptions of their trials.
    """
    if out is None:
        return None
    try:
        whole = read_study_yaml(out / STUDY)
        facts = DataFacts.from_plain(whole["provenance"]["data"])
        if _is_asked(study, DataDescription(whole["data"]["name"], whole["data"]["options"], facts.checksum)):
            return facts
    except (BadInput, OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    known = (description.baseline.data for description in described_trials(out))
    return next((DataFacts(data.checksum) for data in known if data.checksum is not None and _is_asked(study, data)), None)


def described_trials(out: Path | None) -> Iterator[TrialDescription]:
    """Yield the descriptions in an output folder that can be read, the newest first."""
    paths = [] if out is None else [(path.stat().st_mtime_ns, path) for path in trials_folder(out).glob(f"*/{DESCRIPTION}")]
    for _, path in sorted(paths, reverse=True):
        try:
            yield TrialDescription.read(path.parent)
        except (OSError, BadInput):
            continue


def _is_asked(study: Study, data: DataDescription) -> bool:
    """Return whether described data has the name and the options that the study asks for; places, cut and code aside."""
    name, options = study.data.name, described_options(study.data.name, study.data.options)
    asked = replace(data, name=name, options=options, code=data_code(name))
    described = replace(data, options=described_options(data.name, data.options), code=data_code(name))
    return asked.keyed() == described.keyed()
