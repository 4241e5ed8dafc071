"""What a trial does, and with what: the hash of its description is its key. Imports no torch.

The fields' plain form is ``description.json``. Files count in a key by what is in them, not by where they are. A plan makes
its descriptions ``effective``: what has no influence on the numbers is at one value, so that changing it makes no trial new.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

from prune_core.base.benchmark import EXTRA
from prune_core.base.described import Described
from prune_core.base.description import content_key
from prune_core.base.errors import BadInput
from prune_core.base.files import read_json
from prune_core.base.recipe import Recipe
from prune_core.base.trial_folder import DESCRIPTION
from prune_core.trial.description_parts import CheckpointDescription, DataDescription, MethodDescription, NetworkDescription


@dataclass(frozen=True)
class BaselineDescription(Described):
    """One trained, unpruned network.

    Attributes:
        study_seed: cuts the images, and is part of every random stream.
        data: the images.
        network: the architecture.
        training: the whole recipe; None for a checkpoint, which is not trained here (earlier versions wrote one).
        seed: of the trial.
        checkpoint: weights that the user brings instead of a training.
        device: ``cpu`` or ``cuda``.
        threads: compute threads; they change the last bits.
    """

    FOUNDING: ClassVar[tuple[str, ...]] = (
        *("kind", "study_seed", "data", "network", "training", "checkpoint", "seed", "device", "threads"),
    )
    PARTS: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        "data": DataDescription.from_plain,
        "network": NetworkDescription.from_plain,
        "training": Recipe.from_dict,
        "checkpoint": CheckpointDescription.from_plain,
    }

    study_seed: int
    data: DataDescription
    network: NetworkDescription
    training: Recipe | None
    seed: int
    checkpoint: CheckpointDescription | None = None
    device: str = "cpu"
    threads: int = 1
    kind: str = "baseline"

    def to_plain(self) -> dict[str, Any]:
        """Return JSON data; made once, since thousands of trials share a baseline."""
        return dict(self._plain)

    @cached_property
    def _plain(self) -> dict[str, Any]:
        return super().to_plain()

    def keyed(self) -> dict[str, Any]:
        """Return what the key is made of: files count by content, not by place."""
        return dict(self._keyed)

    @cached_property
    def _keyed(self) -> dict[str, Any]:
        checkpoint = None if self.checkpoint is None else self.checkpoint.keyed()
        return {**self.to_plain(), "data": self.data.keyed(), "checkpoint": checkpoint}

    def effective(self) -> Self:
        """Return the baseline without what does not reach its weights: no training where there is a checkpoint.

        One that is so already is returned itself: thousands of trials share it, with its key.
        """
        none = self.checkpoint is not None or self.training is None
        training = None if none or self.training is None else self.training.effective(whole=True)
        return self if repr(training) == repr(self.training) else replace(self, training=training)

    @cached_property
    def key(self) -> str:
        """The key under which the store holds this baseline."""
        return content_key(self.keyed())


@dataclass(frozen=True)
class EvaluationDescription(Described):
    """How networks are judged.

    Attributes:
        corruptions: ``none``, ``generated`` or ``official``, or the names of those that are generated.
        seed: of generated corruptions.
        images_per_cell: test images per corruption and severity, at most all.
        selection_images_per_cell: validation images per corruption and severity.
        train_images: training images that are judged; 0 is none.
        batch_size: images judged at once on a GPU; None on the CPU, whose keys are older than this.
        generator: `GENERATOR_FORMAT` where there are corruptions.
        folder: where the official files are; None is the cache.
        files: SHA-256 of the official files that are used, together; None where there are none.
        called: what the official files are called, as the planning machine knows them.
        code: digests of the user's modules that make the corruptions.
        selection_corruptions: the names of those that the validation images are judged under.
    """

    FOUNDING: ClassVar[tuple[str, ...]] = (
        *("corruptions", "seed", "images_per_cell", "selection_images_per_cell", "train_images"),
    )
    PARTS: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        "corruptions": lambda given: given if isinstance(given, str) else tuple(given),
        "selection_corruptions": tuple,
    }

    corruptions: str | tuple[str, ...] = "none"
    seed: int = 0
    images_per_cell: int = 100
    selection_images_per_cell: int = 50
    train_images: int = 0
    batch_size: int | None = None
    generator: int | None = None
    folder: str | None = None
    files: str | None = None
    called: str | None = None
    code: Mapping[str, str] = field(default_factory=dict)
    selection_corruptions: tuple[str, ...] = EXTRA

    def to_plain(self) -> dict[str, Any]:
        """Return JSON data; made once, since all trials of a study are judged alike."""
        return dict(self._plain)

    @cached_property
    def _plain(self) -> dict[str, Any]:
        return super().to_plain()

    def keyed(self) -> dict[str, Any]:
        """Return what the key is made of: all but the place of the official files, and what they are called."""
        return {name: value for name, value in self.to_plain().items() if name not in ("folder", "called")}

    def effective(self, *, validation: int) -> Self:
        """Return how networks are judged, without what concerns corrupted images that nobody makes.

        Args:
            validation: how many validation images there are: without any, none of them are corrupted.
        """
        usual = EvaluationDescription()
        if validation and self.corruptions != "none":
            return self
        report_cells_are_made = self.corruptions not in ("none", "official")
        found = replace(
            self,
            seed=self.seed if report_cells_are_made else usual.seed,
            images_per_cell=usual.images_per_cell if self.corruptions == "none" else self.images_per_cell,
            selection_images_per_cell=usual.selection_images_per_cell,
            selection_corruptions=usual.selection_corruptions,
        )
        return self if repr(found) == repr(self) else found


@dataclass(frozen=True)
class TrialDescription(Described):
    """One trial: a baseline, what is cut from it, how it is trained further, and how it is judged.

    Attributes:
        kind: one of `prune_core.base.kinds.KINDS`.
        baseline: the network that it starts from.
        evaluation: how it is judged.
        seed: of the trial.
        method: None where nothing is pruned.
        ratio: canonical decimal.
        rounds: of pruning.
        round_epochs: of fine-tuning between two rounds; None where there is one round.
        fine_tuning: the recipe, whose epochs are the budgets and no part of it; None for what is not fine-tuned.
        training: the whole recipe of an architecture that is trained from scratch.
        budget: the length of fine-tuning, where the schedule depends on it.
    """

    FOUNDING: ClassVar[tuple[str, ...]] = (
        *("kind", "baseline", "method", "ratio", "rounds", "fine_tuning", "evaluation", "seed"),
    )
    PARTS: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        "baseline": BaselineDescription.from_plain,
        "evaluation": EvaluationDescription.from_plain,
        "method": MethodDescription.from_plain,
        "fine_tuning": lambda values: Recipe.from_dict(values) if values else None,
        "training": Recipe.from_dict,
    }

    kind: str
    baseline: BaselineDescription
    evaluation: EvaluationDescription
    seed: int
    method: MethodDescription | None = None
    ratio: str = "0"
    rounds: int = 1
    round_epochs: int | None = None
    fine_tuning: Recipe | None = None
    training: Recipe | None = None
    budget: int | None = None

    def to_plain(self) -> dict[str, Any]:
        """Return JSON data: what ``description.json`` holds."""
        return dict(self._plain)

    @cached_property
    def _plain(self) -> dict[str, Any]:
        recipe = {} if self.fine_tuning is None else self.fine_tuning.to_plain()
        recipe.pop("epochs", None)
        return {**super().to_plain(), "fine_tuning": recipe}

    @cached_property
    def key(self) -> str:
        """The trial's key, which names its folder."""
        return content_key(self.keyed())

    def keyed(self) -> dict[str, Any]:
        """Return what the key is made of."""
        return {**self.to_plain(), "baseline": self.baseline.keyed(), "evaluation": self.evaluation.keyed()}

    def effective(self) -> Self:
        """Return the trial with everything at one value that has no influence on its numbers: what a plan asks for."""
        return self._effective

    @cached_property
    def _effective(self) -> Self:
        parts: dict[str, Any] = {
            "baseline": self.baseline.effective(),
            "evaluation": self.evaluation.effective(validation=self.baseline.data.validation),
            "fine_tuning": None if self.fine_tuning is None else self.fine_tuning.effective(whole=False),
            "training": None if self.training is None else self.training.effective(whole=True),
        }
        same = all(part is getattr(self, name) for name, part in parts.items())
        return self if same else replace(self, **parts)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the description in a trial's folder, whichever version wrote it.

        Raises:
            OSError: it cannot be read.
            BadInput: it is not the description of a trial.
        """
        try:
            return cls.from_plain(read_json(folder / DESCRIPTION))
        except ValueError as error:
            raise error if isinstance(error, BadInput) else BadInput(f"{folder / DESCRIPTION}: {error}") from None
