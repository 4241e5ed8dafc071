"""What outlives one call of `train`: the step with its tensors and its graph, over the budgets of a walk."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor, nn

from prune_core.base.recipe import Recipe
from prune_core.training.device_data import DeviceData
from prune_core.training.graph import Graph, NotCaptured, capturable, capture
from prune_core.training.optimizer import Masks, Sgd
from prune_core.training.precision import arithmetic
from prune_core.training.step import DeviceStep

WORTH_STEPS = 60
"""Fewer steps than so many are not worth a capture and its proof."""

GRAPH = "graph"
SHORT = "eager: too few steps for a capture"
_LOG = logging.getLogger(__name__)


class Run(Protocol):
    """What a call of `train` has made, and takes from the session in place of it."""

    network: nn.Module
    recipe: Recipe
    optimizer: Sgd
    masks: Masks
    loss: Tensor
    hits: Tensor


class Session:
    """Keeps step, momentum and graph while network, images, recipe and masks are the same.

    Whoever makes one closes it. Pruning makes a new network, so what was captured for the old one is given up.

    Attributes:
        path: "graph", or "eager: " and why the steps are not replayed; "" before the first one.
    """

    def __init__(self) -> None:
        self._step: DeviceStep | None = None
        self._graph: Graph | None = None
        self._given: Mapping[str, Tensor] = {}
        self._memory: list[int] = []
        self.path = ""

    @classmethod
    def on(cls, device: torch.device) -> Session | None:
        """Return one where training queues its steps; None on a CPU, which does them one by one."""
        return None if device.type == "cpu" else cls()

    def take_over(
        self, run: Run, data: DeviceData, given: Mapping[str, Tensor], layout: torch.memory_format = torch.channels_last
    ) -> None:
        """Make the step of a run, or keep the one there is where it fits; the run then works on the tensors of the step.

        Args:
            run: its optimiser and sums say where it starts.
            data: the training images.
            given: the masks that it was called with.
            layout: in which the network computes.
        """
        step = self._step
        if step is not None and self._fits(step, run, data, given, layout):
            step.optimizer.load_state_dict(run.optimizer.state_dict())
            step.loss.copy_(run.loss)
            step.hits.copy_(run.hits)
            run.optimizer, run.masks, run.loss, run.hits = step.optimizer, step.masks, step.loss, step.hits
            return
        self.close()
        step = DeviceStep(
            run.network,
            data,
            run.recipe,
            optimizer=run.optimizer,
            masks=run.masks,
            loss=run.loss,
            hits=run.hits,
            layout=layout,
        )
        self._step, self._given, self._memory = step, dict(given), _memory(step.tensors())

    def begin(self, recipe: Recipe, stream: Sequence[object], epoch: int, first_step: int, *, steps_to_come: int) -> None:
        """Upload an epoch; capture its step where that was not tried yet.

        Args:
            recipe: whose schedule counts.
            stream: what order and draws are derived from.
            epoch: 0-based.
            first_step: where the epoch goes on.
            steps_to_come: in this call of `train`; a capture has to be worth its while.
        """
        self._begun.begin(stream, epoch, first_step, recipe)
        if self.path in ("", SHORT):
            self._capture(self._begun, steps_to_come)

    def do(self, at: int) -> int:
        """Queue the step ``at`` of the epoch; return how many images it sees."""
        step = self._begun
        if at >= step.full:
            step.run_last()
            return step.rest
        if self._graph is not None:
            self._graph.replay()
        else:
            step.run()
        return step.recipe.batch_size

    @property
    def _begun(self) -> DeviceStep:
        if self._step is None:
            raise RuntimeError("there is no step yet")
        return self._step

    def close(self) -> None:
        """Give up step and graph, and the memory that they hold."""
        graph, self._graph, self._step, self._given, self._memory = self._graph, None, None, {}, []
        self.path = ""
        if graph is not None:
            graph.close()

    def _capture(self, step: DeviceStep, steps_to_come: int) -> None:
        if not capturable(step.device):
            self.path = f"eager: no graphs on {step.device.type}"
        elif steps_to_come < WORTH_STEPS:
            self.path = SHORT  # until a longer budget comes
        else:
            try:
                self._graph, self.path = capture(step), GRAPH
            except NotCaptured as why:
                self.path = f"eager: {why}"
                _LOG.warning("training operator by operator: %s", str(why))

    def _fits(
        self, step: DeviceStep, run: Run, data: DeviceData, given: Mapping[str, Tensor], layout: torch.memory_format
    ) -> bool:
        same_masks = given.keys() == self._given.keys() and all(given[name] is self._given[name] for name in given)
        tensors = [*run.network.parameters(), *run.network.buffers()]
        return (
            step.network is run.network
            and step.data is data
            and step.layout is layout
            and same_masks
            and _lasting(step.recipe) == _lasting(run.recipe)
            and _memory(tensors) == self._memory[: len(tensors)]
        )


@contextmanager
def used_session(session: Session | None, device: torch.device, recipe: Recipe) -> Iterator[Session | None]:
    """Multiply as the recipe says, in the session that was given or in one of this call alone."""
    used = Session.on(device) if session is None else session
    try:
        with arithmetic(recipe.precision, device):
            yield used
    finally:
        if used is not None and used is not session:
            used.close()


def _memory(tensors: Sequence[Tensor]) -> list[int]:
    return [tensor.data_ptr() for tensor in tensors]


def _lasting(recipe: Recipe) -> Recipe:
    """What of a recipe is inside the step: the schedule comes with each epoch."""
    return replace(recipe, epochs=0, learning_rate=1.0, schedule="constant", milestones=(), gamma=1.0, warmup_epochs=0.0)
