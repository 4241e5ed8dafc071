"""The verb *train from scratch*: the architecture of a pruned network with fresh weights, trained as a baseline is.

What Liu et al. ("Rethinking the Value of Network Pruning", ICLR 2019) call scratch-E: as many epochs as the unpruned
network. It tells what the weights that pruning kept are worth, beside the architecture that it found.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from prune_core.base.trial_folder import STATE, TRAINING_PATH
from prune_core.networks import architecture_of
from prune_core.networks.initialisation import redraw
from prune_core.pruning import outcome_of, remove_channels
from prune_core.pruning.masks import zero_out
from prune_core.training import Checkpoint, Recipe, TrainingState, train
from prune_core.trial.baseline import built_network
from prune_core.trial.context import Trial
from prune_core.trial.walk import pruned_and_verified


def train_from_scratch(trial: Trial, dense: nn.Module) -> tuple[nn.Module, float, str | None]:
    """Return the trained network, the seconds that its training took, and how its steps were run on a GPU.

    Args:
        trial: of kind ``scratch``; its ``training`` is the whole recipe.
        dense: the trained baseline, which is pruned for its architecture alone.

    Raises:
        VerificationFailed: the pruned network is not what it should be.
        Interrupted: asked to stop; the checkpoint is in the trial's folder.
        Diverged: the training did.
    """
    recipe = trial.description.training or Recipe()
    pruned = pruned_and_verified(trial, dense, trial.description.ratio)
    network = fresh_twin(trial, pruned)
    masks = {name: mask.cpu() for name, mask in outcome_of(pruned).masks.items()}
    file = trial.folder / STATE
    state = TrainingState.load(file)
    if state is None or state.notes.get("key") != trial.key:
        state = TrainingState(notes={"key": trial.key})
    trial.watch.enter("from scratch", state.epoch, recipe.epochs)
    final = train(
        network.to(trial.device),
        trial.data.training(recipe.augmentation, str(trial.device)),
        recipe,
        epochs_from=0,
        epochs_to=recipe.epochs,
        # the images and their order are those of the baseline, so that the two differ in nothing but the network
        stream=("baseline", trial.baseline.study_seed, trial.baseline.seed),
        masks=masks,
        state=state,
        on_epoch=lambda epoch, _: trial.watch.epoch("from scratch", epoch, recipe.epochs, state.notes),
        should_stop=trial.watch.tick,
        checkpoint=Checkpoint(lambda now: now.save(file), trial.order.checkpoint_seconds),
    )
    final.save(file)
    return network.cpu(), final.seconds, final.notes.get(TRAINING_PATH)


def fresh_twin(trial: Trial, pruned: nn.Module) -> nn.Module:
    """Return a network of the pruned one's architecture and masks, with weights drawn anew by its own, smaller shapes.

    Where single weights are missing, the others of the layer are drawn wider by one over the square root of the share that
    is left: the variance of what the layer passes on is then that of a dense layer.
    """
    network = built_network(trial, "initialisation from scratch")
    kept = architecture_of(pruned).kept
    if kept:
        remove_channels(network, kept)
        redraw(network)
    outcome = outcome_of(pruned)
    parameters = dict(network.named_parameters())
    with torch.no_grad():
        for name, mask in outcome.masks.items():
            share = float(mask.float().mean())
            if share > 0:
                parameters[name].div_(math.sqrt(share))
    zero_out(network, outcome.masks)
    network.outcome = outcome  # type: ignore[assignment]
    return network
