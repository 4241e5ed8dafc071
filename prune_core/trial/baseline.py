"""The verb *baseline*: from the store, or trained (or read from the user's checkpoint) and put there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from prune_core.base.errors import BadInput
from prune_core.base.seeds import derive_seed
from prune_core.base.store import file_sha256, read_meta
from prune_core.base.trial_folder import TRAINING_PATH, WEIGHTS
from prune_core.networks import build_network, load_weights
from prune_core.networks.class_names import check_class_names
from prune_core.pruning import load_network, save_network
from prune_core.training import Checkpoint, Recipe, TrainingState, train
from prune_core.training.curve import NOTE, write_curve
from prune_core.trial.build import MADE_BY, made_by, require_build, this_build
from prune_core.trial.context import Trial
from prune_core.trial.description_parts import CheckpointDescription


def make_baseline(trial: Trial) -> Path:
    """Return the store's entry of the trial's baseline: its network file, and in ``made`` how long it took.

    Two processes may train it at the same time: they compute the same, and checkpoint into the same file by renaming.

    Raises:
        BadInput: the user's checkpoint is missing, or not the one that was planned with; the entry is of another build, and
            the study refuses that.
        Interrupted: asked to stop; the checkpoint of the training is in the store.
        Diverged: the training did.
    """

    def make(folder: Path) -> dict[str, Any]:
        if trial.baseline.checkpoint is not None:
            network, made = _brought(trial, trial.baseline.checkpoint), {"train_seconds": 0.0}
        else:
            network, made = _trained(trial)
        save_network(network, folder / WEIGHTS)
        return {**made, MADE_BY: here}

    here = this_build(trial.device)
    entry = trial.store.get_or_make(trial.baseline.keyed(), make)
    require_build(f"the baseline {trial.baseline_key}", made_by(entry), here, trial.order.mixed_builds)
    trial.store.partial(trial.baseline_key).unlink(missing_ok=True)
    return entry


def write_baseline_curve(trial: Trial, entry: Path) -> None:
    """Write the curve of a baseline's training into the folder of a trial that only judges it."""
    if trial.only_judges:
        write_curve(trial.folder, "baseline", read_meta(entry)["made"].get(NOTE) or [])


def load_baseline(entry: Path) -> tuple[nn.Module, float]:
    """Return the network of an entry and the seconds of its training."""
    return load_network(entry / WEIGHTS), float(read_meta(entry)["made"]["train_seconds"])


def built_network(trial: Trial, purpose: str = "initialisation") -> nn.Module:
    """Build the trial's network, its weights drawn from the study's seed, the baseline's, and what they are for."""
    described = trial.baseline.network
    torch.manual_seed(derive_seed(purpose, trial.baseline.study_seed, trial.baseline.seed) % 2**63)
    shape = {"num_classes": len(trial.data.dataset.classes), "in_channels": trial.data.input_shape[0]}
    return build_network(described.name, **{**shape, **described.options})


def _brought(trial: Trial, given: CheckpointDescription) -> nn.Module:
    path = Path(given.path)
    if not path.is_file():
        raise BadInput(f"checkpoint {path} is not there")
    found = file_sha256(path)
    if given.sha256 not in (None, found):
        raise BadInput(f"checkpoint {path} is not the one that was planned with: sha256 {found}, not {given.sha256}")
    network = built_network(trial)
    load_weights(network, path)
    check_class_names(path, trial.data.dataset.classes, trial.data.dataset.name)
    return network


def _trained(trial: Trial) -> tuple[nn.Module, dict[str, Any]]:
    recipe = trial.baseline.training or Recipe()
    partial = trial.store.partial(trial.baseline_key)
    network = built_network(trial).to(trial.device)
    data = trial.data.training(recipe.augmentation, str(trial.device))
    trial.watch.enter("baseline", 0, recipe.epochs)
    state = TrainingState.load(partial) or TrainingState()

    def after(epoch: int, _: object) -> None:
        if trial.only_judges:
            trial.watch.epoch("baseline", epoch, recipe.epochs, state.notes)
        else:  # a curve in the folder of a trial is of its own training
            trial.watch.enter("baseline", epoch, recipe.epochs)

    final = train(
        network,
        data,
        recipe,
        epochs_from=0,
        epochs_to=recipe.epochs,
        # Not the key: networks of one seed, a sparsity-trained twin among them, see the same images in the same order.
        stream=("baseline", trial.baseline.study_seed, trial.baseline.seed),
        state=state,
        on_epoch=after,
        should_stop=trial.watch.tick,
        checkpoint=Checkpoint(lambda state: state.save(partial), trial.order.checkpoint_seconds),
    )
    made = {"train_seconds": final.seconds, TRAINING_PATH: final.notes.get(TRAINING_PATH), NOTE: final.notes.get(NOTE)}
    return network.cpu(), {name: value for name, value in made.items() if value is not None}
