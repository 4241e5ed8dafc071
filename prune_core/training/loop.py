"""The training loop: closed, with one callback per epoch; it can stop at any step and go on to the same bits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from prune_core.base.errors import Diverged
from prune_core.base.memory_format import ORDINARY, as_logits, in_format, set_format, training_format
from prune_core.base.recipe import Recipe
from prune_core.base.trial_folder import TRAINING_PATH
from prune_core.training.curve import add_epoch
from prune_core.training.device_data import DeviceData
from prune_core.training.optimizer import Masks, Sgd, add_sparsity, scales
from prune_core.training.schedule import learning_rate
from prune_core.training.session import Session, used_session
from prune_core.training.state import Interrupted, TrainingState

EpochCallback = Callable[[int, dict[str, float]], None]
CHECK_EVERY = {"cpu": 1, "cuda": 50}
"""Steps between looks at the loss: on a GPU each look waits for the device."""


@dataclass(frozen=True)
class Checkpoint:
    """Where states go while a training runs: ``save`` is called every so many seconds, and when it is interrupted."""

    save: Callable[[TrainingState], None]
    seconds: float = 120.0


def train(
    network: nn.Module,
    data: DeviceData,
    recipe: Recipe,
    *,
    epochs_from: int,
    epochs_to: int,
    stream: tuple[object, ...],
    masks: Mapping[str, Tensor] | None = None,
    state: TrainingState | None = None,
    on_epoch: EpochCallback | None = None,
    should_stop: Callable[[], bool] | None = None,
    checkpoint: Checkpoint | None = None,
    session: Session | None = None,
) -> TrainingState:
    """Train in place from one epoch to another.

    Args:
        network: on the device of ``data``; its weights are replaced by those of ``state`` if one is given.
        data: the training images.
        recipe: ``recipe.epochs`` is the length that the schedule refers to; ``epochs_to`` may lie before it.
        epochs_from: whole epochs already done; where ``state`` is given it may be further on, in mid-epoch.
        epochs_to: whole epochs to reach.
        stream: what the order of the images and the augmentation are derived from, beside epoch and step.
        masks: boolean masks by parameter name, 1 keep: the same weights are exactly zero before and after every step.
        state: where to go on; without it the optimiser starts fresh.
        on_epoch: called with the epochs done and {loss, accuracy, learning_rate, seconds}, loss and accuracy on the training
            batches as they came.
        should_stop: asked before every step.
        checkpoint: where to save on the way.
        session: keeps what was made for a GPU (the step and its graph) from one call to the next; `Session.on` makes one.

    Returns:
        The state at ``epochs_to``; its tensors are those of the network, not copies.

    Raises:
        Interrupted: ``should_stop`` said so; the checkpoint has been saved.
        Diverged: the loss is not finite.
    """
    with used_session(session, data.padded.device, recipe) as used:
        run = _Run(network, data, recipe, masks or {}, state or TrainingState(epoch=epochs_from), used)
        if run.state.epoch < epochs_from:
            raise ValueError(f"the state is at epoch {run.state.epoch}, before {epochs_from}")
        saved = time.monotonic()
        for epoch in range(run.state.epoch, epochs_to):
            for step in run.steps(stream, epoch, epochs_to):
                if should_stop is not None and should_stop():
                    if checkpoint is not None:
                        checkpoint.save(run.snapshot())
                    raise Interrupted(f"interrupted in epoch {epoch}, step {run.state.step}")
                step()
                if checkpoint is not None and time.monotonic() - saved >= checkpoint.seconds:
                    checkpoint.save(run.snapshot())
                    saved = time.monotonic()
            metrics = run.end_epoch()
            if on_epoch is not None:
                on_epoch(epoch + 1, metrics)
        state = run.snapshot()
        if used is not None:
            state.notes[TRAINING_PATH] = used.path
        return state


class _Run:
    """What one call of `train` changes on its way."""

    def __init__(
        self,
        network: nn.Module,
        data: DeviceData,
        recipe: Recipe,
        masks: Mapping[str, Tensor],
        state: TrainingState,
        session: Session | None,
    ) -> None:
        self.network, self.data, self.recipe, self.state, self.session = network, data, recipe, state, session
        self.device = data.padded.device
        self.steps_per_epoch = data.steps(recipe.batch_size)
        self.look_every = CHECK_EVERY.get(self.device.type, 50)
        network.train()
        self.layout = training_format(network, data.normalised(data.padded[:1, :, : data.size[0], : data.size[1]]))
        set_format(network, self.layout)
        if state.network:
            network.load_state_dict(state.network)
        self.masks = Masks(network, masks)
        self.optimizer = Sgd(network, recipe)
        if state.optimizer is not None:
            self.optimizer.load_state_dict(state.optimizer)
        self.scales = scales(network) if recipe.sparsity else []
        self.loss = torch.tensor(state.sums.get("loss", 0.0), dtype=torch.float64, device=self.device)
        self.hits = torch.tensor(int(state.sums.get("hits", 0)), dtype=torch.int64, device=self.device)
        self.seen = int(state.sums.get("seen", 0))
        self.started = time.perf_counter()
        if session is not None:
            session.take_over(self, data, masks, self.layout)

    def steps(self, stream: tuple[object, ...], epoch: int, epochs_to: int) -> Iterator[Callable[[], None]]:
        """Yield the steps that are left of an epoch, each to be done before the next one is asked for."""
        if self.session is None:
            for images, labels in self.data.batches(self.recipe.batch_size, stream, epoch, self.state.step):
                yield partial(self.step, images, labels)
            return
        first, each = self.state.step, self.steps_per_epoch
        self.session.begin(self.recipe, stream, epoch, first, steps_to_come=(epochs_to - epoch) * each - first)
        for at in range(first, each):
            yield partial(self._queued_step, at)

    def step(self, images: Tensor, labels: Tensor) -> None:
        """One step of the optimiser."""
        rate = learning_rate(self.recipe, self.state.epoch, self.state.step, self.steps_per_epoch)
        images = in_format(images, ORDINARY) if self.layout is ORDINARY else images
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.recipe.precision == "bf16"):
            logits = as_logits(self.network(images))
        loss = functional.cross_entropy(logits.float(), labels, label_smoothing=self.recipe.label_smoothing)
        self.optimizer.forget_gradients()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.recipe.sparsity:
            add_sparsity(self.scales, self.recipe.sparsity)
        self.masks.zero_gradients()
        self.optimizer.step(rate)
        self.masks.zero_weights()
        self.loss += loss.detach() * len(labels)
        self.hits += (logits.detach().argmax(1) == labels).sum()
        self._count(len(labels))

    def _queued_step(self, at: int) -> None:
        assert self.session is not None  # noqa: S101  (for the type checker)
        self._count(self.session.do(at))

    def _count(self, images: int) -> None:
        self.seen += images
        self.state.step += 1
        if self.state.step % self.look_every == 0:
            self._look()

    def end_epoch(self) -> dict[str, float]:
        """Close the epoch and return its metrics."""
        self._look()
        rate = learning_rate(self.recipe, self.state.epoch, max(self.state.step - 1, 0), self.steps_per_epoch)
        self.state.epoch, self.state.step = self.state.epoch + 1, 0
        loss, accuracy = float(self.loss) / max(self.seen, 1), int(self.hits) / max(self.seen, 1)
        self.loss.zero_()
        self.hits.zero_()
        self.seen = 0
        metrics = {"loss": loss, "accuracy": accuracy, "learning_rate": rate, "seconds": self._seconds()}
        add_epoch(self.state.notes, self.state.epoch, metrics)
        return metrics

    def snapshot(self) -> TrainingState:
        """Return the state as it is now, with references to the live tensors."""
        self.state.network = self.network.state_dict()
        self.state.optimizer = self.optimizer.state_dict()
        self.state.sums = {"loss": float(self.loss), "hits": int(self.hits), "seen": self.seen}
        self.state.seconds = self._seconds()
        self.started = time.perf_counter()
        return self.state

    def _seconds(self) -> float:
        return self.state.seconds + time.perf_counter() - self.started

    def _look(self) -> None:
        if not bool(torch.isfinite(self.loss)):
            raise Diverged(f"the training loss is not finite in epoch {self.state.epoch}, step {self.state.step}")
