"""One checkpoint judged from the command line."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune_core.base.errors import BadInput, Diverged
from prune_core.base.trial_folder import NORMALISATION
from prune_core.cost.measured import MeasuredNetwork, cost_columns
from prune_core.data import load_dataset
from prune_core.evaluation.evaluation import evaluate_network
from prune_core.evaluation.scoring import record_columns, set_columns
from prune_core.metrics.predictions import SOFTMAX_TWICE, are_probabilities
from prune_core.metrics.sanity import FEWEST_IMAGES, REMEDY, better_numbering, doubts
from prune_core.networks import architecture_of, build_network
from prune_core.networks.answers import refuse_unable
from prune_core.pruning.normalisation import normalisation_text
from prune_core.training import prepare_runtime
from sweeps.one_network.images import Shown, corrupted_images, corruption_names, report_images
from sweeps.one_network.normalisation import contradiction, normalised
from sweeps.one_network.open import described, open_checkpoint
from sweeps.records.columns import measured_columns

if TYPE_CHECKING:
    from torch import nn

    from prune_core.corruptions import CorruptedSet
    from prune_core.data import Dataset
    from prune_core.evaluation.logits import LogitSet

Record = dict[str, float | int | str]


@dataclass(frozen=True)
class Judgement:
    """What was found, and on what.

    Attributes:
        network: its name, for people.
        dataset: whose images.
        shown: the images.
        corruptions: what the corrupted set is called, None where there is none.
        logits: what the network said.
        bins: of every ECE.
        record: the columns of a record.
        seconds: that all forward passes took.
        notes: what was found beside that makes the numbers doubtful, a line each.
    """

    network: str
    dataset: Dataset
    shown: Shown
    corruptions: str | None
    logits: LogitSet
    bins: int
    record: Record
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def warnings(self) -> list[str]:
        """What makes the numbers doubtful, a line each."""
        said = [SOFTMAX_TWICE] if are_probabilities(self.logits.clean) else []
        return [*self.notes, *(f"warning: {self.network}: {each}" for each in (*said, *self._doubts()))]

    def _doubts(self) -> list[str]:
        classes = self.logits.clean.shape[1]
        if len(self.logits.labels) < FEWEST_IMAGES:
            return []
        found = doubts(float(self.record["accuracy"]), float(self.record["mean_confidence"]), classes)
        other = None
        if classes == len(self.dataset.classes):
            other = better_numbering(self.logits.clean.argmax(axis=1), self.logits.labels, classes)
        if other is None:
            return [f"{'; '.join(found)}; {REMEDY}"] if found else []
        order = ", ".join(self.dataset.classes[label] for label in other[1])
        known = f"accuracy {float(self.record['accuracy']):.1%} would be {other[0]:.1%} with the classes in another order"
        return ["; ".join([*found, f"{known}: [{order}] (an image folder takes it as data option classes)"])]


def judge_checkpoint(
    checkpoint: Path,
    name: str | None,
    options: dict[str, Any],
    *,
    num_classes: int | None,
    data: str,
    data_options: dict[str, Any],
    corruptions: str,
    corruptions_folder: Path | None,
    fetch: bool,
    limit: int | None,
    bins: int,
    seed: int,
    device: str,
) -> Judgement:
    """Judge one checkpoint on the report images of a dataset: the test images, or all where it has none of its own.

    Args:
        checkpoint: the file.
        name: the network's, None for a file of ours.
        options: of the network.
        num_classes: length of its output; None is the dataset's number of classes.
        data: the dataset.
        data_options: of the dataset, ``mean`` and ``std`` among them: these win over what the file says.
        corruptions: ``none``, ``generated``, ``official``, or names and groups that are generated, with commas between.
        corruptions_folder: of the official files; None is the cache.
        fetch: get the official files where they are not there.
        limit: so many images, a seeded choice balanced over classes; None is all.
        bins: of every ECE.
        seed: of generated corruptions.
        device: ``cpu`` or ``cuda``.

    Raises:
        BadInput: anything of the above that is not there or not allowed, or a network whose answers are not finite.
    """
    from torch import get_num_threads

    names = corruption_names(corruptions)
    if corruptions != "official" and (fetch or corruptions_folder is not None):
        raise BadInput(f"--fetch and --corruptions-folder belong to --corruptions official, not to {corruptions!r}")
    target = prepare_runtime(device=device, threads=get_num_threads())
    dataset = load_dataset(data, **data_options)
    opened = open_checkpoint(checkpoint, name, options, num_classes=num_classes, dataset=dataset)
    network = opened.network
    notes = (*opened.warnings, *contradiction(dataset, data_options, opened.normalisation))
    dataset, source = normalised(dataset, data_options, opened.normalisation)
    shown = report_images(dataset, limit)
    cells = corrupted_images(dataset, shown, names, folder=corruptions_folder, fetch=fetch, seed=seed)
    started = time.perf_counter()
    logits = judged_logits(checkpoint, network.to(target), dataset, shown, cells)
    seconds = time.perf_counter() - started
    label = None if cells is None else cells.label
    record = _record(network, logits, bins, shown.images.shape[1:], label, dataset.jpeg, opened.metadata)
    record[NORMALISATION] = normalisation_text(dataset.mean, dataset.std, source)
    return Judgement(described(network), dataset, shown, label, logits, bins, record, seconds, notes)


def judged_logits(
    checkpoint: Path, network: nn.Module, dataset: Dataset, shown: Shown, cells: CorruptedSet | None = None
) -> LogitSet:
    """Return what a network says about images, where it is.

    Raises:
        BadInput: it does not take these images, or says something that is not a number per class.
    """
    needed = int(shown.labels.max()) + 1
    try:
        answers = refuse_unable(network, dataset.shape, None)
        if answers < needed:
            raise BadInput(f"it returns {answers} number{'s' * (answers != 1)} per image, the labels go up to {needed - 1}")
    except BadInput as error:
        raise BadInput(f"{checkpoint}: {described(network)} cannot be judged: {error}") from None
    try:
        return evaluate_network(
            network,
            shown.images,
            shown.labels,
            mean=dataset.mean,
            std=dataset.std,
            corrupted=cells,
            device=next(network.parameters()).device,
        )
    except Diverged as error:
        raise BadInput(f"{checkpoint}: {error}; such a network cannot be judged") from None


def _record(
    network: nn.Module,
    logits: LogitSet,
    bins: int,
    shape: tuple[int, ...],
    label: str | None,
    jpeg: bool,
    header: Mapping[str, str],
) -> Record:

    scored = record_columns(selection=None, report=logits, train=None, bins=bins)
    height, width, channels = shape
    costs = cost_columns(MeasuredNetwork(network, (channels, height, width), _dense_parameters(network), header=header))
    record = {**scored, **set_columns(logits, label, jpeg=jpeg), **costs}
    found = {column: record[column] for column in measured_columns() if column in record}
    return {column: math.nan if value is None else value for column, value in found.items()}


def _dense_parameters(network: nn.Module) -> int:
    """Count the parameters of the network that this one was before channels went."""
    import torch

    known = architecture_of(network)
    if not known.kept:
        return sum(parameter.numel() for parameter in network.parameters())
    with torch.random.fork_rng(devices=[]):
        return sum(parameter.numel() for parameter in build_network(known.name, **known.options).parameters())
