"""The verb *evaluate*: one forward pass of each image, logits kept, one record written last."""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from prune_core.base.build import BASELINE_BUILD, build_text
from prune_core.base.errors import Diverged
from prune_core.base.files import write_json
from prune_core.base.store import read_meta
from prune_core.base.trial_folder import (
    ECE_BINS,
    LOGITS,
    NORMALISATION,
    OUTPUTS,
    PROBABILITIES,
    RECORD,
    REPORT,
    REPORT_CELLS,
    RESAMPLED,
    SELECTION,
    TRAIN,
    TRAINING_PATH,
    WEIGHTS,
    budget_folder,
    has_cells,
    read_record,
)
from prune_core.cost.measured import MeasuredNetwork, cost_columns
from prune_core.evaluation.batch_size import BATCH_SIZE
from prune_core.evaluation.corruption_table import write_corruption_table
from prune_core.evaluation.evaluation import LogitSet, evaluate_network, record_columns
from prune_core.evaluation.resampled import image_noise, write_image_noise
from prune_core.evaluation.scoring import set_columns
from prune_core.metrics.predictions import are_probabilities
from prune_core.pruning import load_network, save_network
from prune_core.pruning.normalisation import normalisation_text, source_of
from prune_core.trial.build import MADE_BY, made_by, require_build, this_build
from prune_core.trial.context import Trial
from prune_core.trial.data import Corrupted, corruption_label, report_cells, selection_cells
from prune_core.trial.file_header import file_header


@dataclass(frozen=True)
class Judged:
    """Where the logits and the weights of one network are, what it took to get them, and which build did it, if known."""

    folder: Path
    evaluate_seconds: float
    train_seconds: float
    build: Mapping[str, Any] | None
    training_path: str | None


def judge(trial: Trial, network: nn.Module, budget: int, train_seconds: float, training_path: str | None) -> dict[str, Any]:
    """Save a network, load it again, evaluate what was loaded, and write the record of a budget.

    Raises:
        Diverged: a logit or a metric is not finite.
        Interrupted: asked to stop between two batches.
    """
    folder = budget_folder(trial.folder, budget)
    folder.mkdir(parents=True, exist_ok=True)
    save_network(network, folder / WEIGHTS, metadata=file_header(trial.data))
    seconds = _forward_all(trial, folder / WEIGHTS, folder, cells=trial.judges_cells(budget))
    judged = Judged(folder, seconds, train_seconds, this_build(trial.device), training_path)
    return _record(trial, budget, judged, cells=trial.judges_cells(budget))


def judged_before(trial: Trial, budget: int) -> dict[str, Any] | None:
    """Return the record of a budget, judged again from its weights where it lacks cells; None where it is to be made."""
    record = read_record(trial.folder, budget)
    asked = trial.order.report_budgets is not None and budget in trial.order.report_budgets
    if record is None or not asked or has_cells(record):
        return record
    folder = budget_folder(trial.folder, budget)
    if not (folder / WEIGHTS).exists():
        return None
    seconds = _forward_all(trial, folder / WEIGHTS, folder, cells=True)
    again = Judged(folder, seconds, record["train_seconds"], this_build(trial.device), record.get(TRAINING_PATH))
    return _record(trial, budget, again)


def judge_baseline(trial: Trial, entry: Path, train_seconds: float) -> dict[str, Any]:
    """Write the record of the unpruned network, evaluated once for all its trials: the logits are in the store."""
    described = {"kind": "evaluation", "baseline": trial.baseline_key, "evaluation": trial.description.evaluation.keyed()}

    def make(folder: Path) -> dict[str, Any]:
        return {"evaluate_seconds": _forward_all(trial, entry / WEIGHTS, folder, cells=True), MADE_BY: here}

    here = this_build(trial.device)
    judged = trial.store.get_or_make(described, make)
    build = made_by(judged)
    require_build(f"the evaluation of baseline {trial.baseline_key}", build, here, trial.order.mixed_builds)
    folder = budget_folder(trial.folder, 0)
    folder.mkdir(parents=True, exist_ok=True)
    # what the store holds knows no images: two datasets may share an architecture, a file that ships says what it is fed
    save_network(load_network(entry / WEIGHTS), folder / WEIGHTS, metadata=file_header(trial.data))
    for source in (judged / name for name in LOGITS):
        if source.exists():
            _link(source, folder / source.name)
    seconds, path = float(read_meta(judged)["made"]["evaluate_seconds"]), read_meta(entry)["made"].get(TRAINING_PATH)
    return _record(trial, 0, Judged(folder, seconds, train_seconds, build, path if train_seconds else None))


def _forward_all(trial: Trial, weights: Path, folder: Path, *, cells: bool) -> float:
    """Write the logits of the saved network, with or without corrupted test images; return the seconds it took."""
    data, evaluation = trial.data, trial.description.evaluation
    selection = selection_cells(data, evaluation, trial.watch.corrupting)
    report = report_cells(data, evaluation, trial.watch.corrupting) if cells else None
    trial.watch.enter("evaluate")
    network = load_network(weights).to(trial.device)
    handle = network.register_forward_pre_hook(trial.watch.check)
    started = time.perf_counter()
    try:
        if len(data.split.validation.labels):
            _logits(trial, network, data.split.validation, selection).save(folder / SELECTION)
        if len(data.split.test.labels):
            _logits(trial, network, data.split.test, report).save(folder / REPORT)
        if evaluation.train_images:
            train = data.split.train
            few = data.balanced_positions(train, evaluation.train_images, "judged training images")
            _forward(trial, network, train.images[train.index[few]], train.labels[few], None).save(folder / TRAIN)
    finally:
        handle.remove()
    return time.perf_counter() - started


def _logits(trial: Trial, network: nn.Module, subset: Any, cells: Corrupted | None) -> LogitSet:
    return _forward(trial, network, subset.array(), subset.labels, cells)


def _forward(
    trial: Trial, network: nn.Module, images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any], cells: Corrupted | None
) -> LogitSet:
    return evaluate_network(
        network,
        images,
        labels,
        mean=trial.data.dataset.mean,
        std=trial.data.dataset.std,
        corrupted=None if cells is None else cells.images,
        cell_index=None if cells is None else cells.positions,
        device=trial.device,
        batch_size=trial.description.evaluation.batch_size or BATCH_SIZE["cpu"],
    )


def _record(trial: Trial, budget: int, judged: Judged, *, cells: bool = True) -> dict[str, Any]:
    """Compute every column, and what the choice of images adds, from the files of a budget; write the record last."""
    sets = {name: LogitSet.load(judged.folder / name) if (judged.folder / name).exists() else None for name in LOGITS}
    network = load_network(judged.folder / WEIGHTS)
    shape, dataset = trial.data.input_shape, trial.data.dataset
    measured = MeasuredNetwork(
        network,
        shape,
        _dense_parameters(trial),
        train_seconds=judged.train_seconds,
        evaluate_seconds=judged.evaluate_seconds,
        header=file_header(trial.data),
    )
    record = {
        **record_columns(selection=sets[SELECTION], report=sets[REPORT], train=sets[TRAIN], bins=trial.order.ece_bins),
        **set_columns(sets[REPORT], corruption_label(dataset, trial.description.evaluation), jpeg=dataset.jpeg),
        **cost_columns(measured),
        "budget": budget,
        ECE_BINS: trial.order.ece_bins,
        **({} if cells else {REPORT_CELLS: False}),
        **({} if judged.training_path is None else {TRAINING_PATH: judged.training_path}),
        **({OUTPUTS: PROBABILITIES} if any(each and are_probabilities(each.clean) for each in sets.values()) else {}),
        **(judged.build or {}),
        NORMALISATION: normalisation_text(dataset.mean, dataset.std, source_of(trial.baseline.data.options)),
        BASELINE_BUILD: build_text(made_by(trial.store.path(trial.baseline_key))),
    }
    for name, value in record.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise Diverged(f"{name} is not finite at budget {budget}")
    write_corruption_table(judged.folder, sets[REPORT], trial.order.ece_bins)
    noise = image_noise(selection=sets[SELECTION], report=sets[REPORT], bins=trial.order.ece_bins)
    write_image_noise(judged.folder / RESAMPLED, noise)
    if trial.order.keep == "none":
        for name in (WEIGHTS, *LOGITS):
            (judged.folder / name).unlink(missing_ok=True)
    write_json(judged.folder / RECORD, record)
    return record


def _dense_parameters(trial: Trial) -> int:
    dense = load_network(trial.store.path(trial.baseline_key) / WEIGHTS)
    return sum(parameter.numel() for parameter in dense.parameters())


def _link(source: Path, target: Path) -> None:
    """Put a file of the store into the folder without a copy where the file system can."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
