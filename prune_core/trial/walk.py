"""The verbs *prune*, *verify* and *fine-tune*: one walker that goes from epoch to epoch and can start from any checkpoint.

Pruning in ``n`` rounds is a matter of the walk, not of a method: round k comes after ``k * round_epochs`` epochs, and those
epochs count towards the budget. One round is the ordinary case: prune at epoch 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from prune_core.base.errors import BadInput
from prune_core.base.files import write_json
from prune_core.base.trial_folder import TRAINING_PATH, VERIFICATION
from prune_core.networks import Architecture, architecture_of, build_network
from prune_core.pruning import METHODS, PruningOutcome, outcome_of, prune, remove_channels
from prune_core.pruning.probe import for_images
from prune_core.training import Checkpoint, Session, TrainingState, train
from prune_core.trial.context import Trial
from prune_core.trial.description_parts import MethodDescription
from prune_core.verification import verify

VERIFY_IMAGES = 32
SCORE_BATCHES, SCORE_BATCH_SIZE = 8, 64
"""Training images for methods that look at gradients: raised or lowered, `prune_core.base.description.FORMAT` must rise."""


class VerificationFailed(Exception):
    """A pruned network is not what it should be: the trial fails, with this reason."""


class Walker:
    """A network on its way through the rounds of pruning and the epochs of fine-tuning.

    Args:
        trial: which.
        dense: the baseline, left as it is.
        file: where its checkpoints go; one that is there is where the walk goes on.
    """

    def __init__(self, trial: Trial, dense: nn.Module, file: Path) -> None:
        self.trial, self.dense, self.file = trial, dense, file
        self.session = Session.on(trial.device)
        found = TrainingState.load(file)
        if found is not None and found.notes.get("key") == trial.key:
            self.state = found
            self.network = _rebuilt(Architecture.from_dict(found.notes["architecture"]))
            self.network.load_state_dict(found.network)
            if "outcome" in found.notes:
                self.network.outcome = PruningOutcome.from_dict(found.notes["outcome"], found.masks)  # type: ignore[assignment]
        else:
            self.state = TrainingState(notes={"key": trial.key, "rounds_done": 0})
            self.network = _rebuilt(architecture_of(dense))
            self.network.load_state_dict(dense.state_dict())
        self.network.to(trial.device)

    @property
    def epoch(self) -> int:
        """Whole epochs of fine-tuning done."""
        return self.state.epoch

    @property
    def training_path(self) -> str | None:
        """How the steps were run on a GPU, and why; None on the CPU, and where nothing was trained."""
        path: str | None = self.state.notes.get(TRAINING_PATH)
        return path

    def close(self) -> None:
        """Give up what is kept on the device from one budget to the next."""
        if self.session is not None:
            self.session.close()

    def go_to(self, budget: int) -> None:
        """Prune what is due and train until ``budget`` epochs are done; then write the checkpoint.

        Raises:
            BadInput: the budget lies before the last round of pruning.
            VerificationFailed: the pruned network is not what it should be.
            Interrupted: asked to stop; the checkpoint is written.
            Diverged: the loss is not finite.
        """
        due = rounds(self.trial)
        if due and budget < due[-1][0]:
            raise BadInput(f"budget {budget} lies before the last round of pruning, at epoch {due[-1][0]}")
        for epoch, ratio in due[self.state.notes["rounds_done"] :]:
            self._train_to(epoch, budget)
            self._prune(ratio, final=(epoch, ratio) == due[-1])
        self._train_to(budget, budget)
        self._note()
        self.state.save(self.file)

    def _prune(self, ratio: str, *, final: bool) -> None:
        trial = self.trial
        trial.watch.enter("prune", self.state.epoch, self.state.epoch)
        self.close()  # a graph holds the memory of the weights that now leave the device
        pruned = pruned_and_verified(trial, self.network.cpu(), ratio, final=final)
        # Shapes and masks are new, so the optimiser starts fresh, as after any pruning.
        self.state.optimizer, self.state.network = None, {}
        self.state.masks = _masks(outcome_of(pruned))
        self.state.notes["rounds_done"] += 1
        self.network = pruned.to(trial.device)

    def _train_to(self, epoch: int, of: int) -> None:
        if self.state.epoch >= epoch:
            return
        trial, recipe = self.trial, self.trial.fine_tuning(of)
        trial.watch.enter("fine-tune", self.state.epoch, of)

        def save(state: TrainingState) -> None:
            self._note()
            state.save(self.file)

        self.state = train(
            self.network,
            trial.data.training(recipe.augmentation, str(trial.device)),
            recipe,
            epochs_from=self.state.epoch,
            epochs_to=epoch,
            stream=trial.stream,
            masks=self.state.masks,
            state=self.state,
            on_epoch=lambda done, _: trial.watch.epoch("fine-tune", done, of, self.state.notes),
            should_stop=trial.watch.tick,
            checkpoint=Checkpoint(save, trial.order.checkpoint_seconds),
            session=self.session,
        )

    def _note(self) -> None:
        """Put into the state what is needed to build this network again."""
        if self.trial.prunes:
            self.state.notes["outcome"] = outcome_of(self.network).to_dict()
        self.state.notes["architecture"] = architecture_of(self.network).to_dict()
        self.state.network = self.network.state_dict()


def pruned_and_verified(trial: Trial, network: nn.Module, ratio: str, *, final: bool = True) -> nn.Module:
    """Return a pruned copy that has proved itself; the proof of the final one is written into the trial's folder.

    Raises:
        VerificationFailed: it is not what it should be.
    """
    method = trial.description.method
    if method is None:
        raise BadInput(f"trial: kind {trial.description.kind!r} needs a method")
    with for_images(*trial.data.split.train.images.shape[1:3]):
        pruned = prune(network, method.name, ratio, **_options(trial, method))
    report = verify(network, pruned, _verification_images(trial))
    if final:
        write_json(trial.folder / VERIFICATION, {**report.to_dict(), "outcome": outcome_of(pruned).to_dict()})
    if not report.passed:
        raise VerificationFailed(f"the pruned network failed its verification: {report.reason}")
    return pruned


def rounds(trial: Trial) -> list[tuple[int, str]]:
    """Return (epoch, ratio) of each round of pruning; the ratio grows by equal steps to the one that was asked for."""
    if not trial.prunes:
        return []
    count, apart = trial.description.rounds, trial.description.round_epochs or 1
    asked = trial.description.ratio
    if count == 1:
        return [(0, asked)]
    return [(k * apart, str(Decimal(asked) * (k + 1) / count)) for k in range(count)]


def _rebuilt(architecture: Architecture) -> nn.Module:
    network = build_network(architecture.name, **architecture.options)
    if architecture.kept:
        remove_channels(network, architecture.kept)
    return network


def _masks(outcome: PruningOutcome) -> dict[str, Tensor]:
    return {name: mask.cpu() for name, mask in outcome.masks.items()}


def _options(trial: Trial, method: MethodDescription) -> dict[str, Any]:
    """The method's options, with what only a trial can give: seeds and training batches."""
    options = dict(method.options)
    known = METHODS.get(method.name)
    if any(field.name == "seed" for field in fields(known.Options)):
        options.setdefault("seed", trial.score_seed)
    if known.needs_batches:
        options["batches"] = list(_training_batches(trial))
    return options


def _training_batches(trial: Trial) -> Iterator[tuple[Tensor, Tensor]]:
    """The first batches of an epoch of their own, without augmentation."""
    data = trial.data.training("none", "cpu")
    return islice(data.batches(SCORE_BATCH_SIZE, ("score batches", *trial.stream), 0), SCORE_BATCHES)


def _verification_images(trial: Trial) -> Tensor:
    split = trial.data.split
    subset = split.validation if len(split.validation.labels) else split.train
    chosen = trial.data.balanced_positions(subset, VERIFY_IMAGES, "verification")
    return torch.from_numpy(trial.data.normalised(subset.images[subset.index[chosen]]))
