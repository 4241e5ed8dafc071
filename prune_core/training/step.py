"""One training step as a function of nothing: it reads and writes tensors that stay where they are.

Order, draws and learning rates of an epoch are uploaded once; a counter on the device says which step it is. So the same
operators on the same tensors, run again, are the next step: what a CUDA graph replays. It runs on any device, and is
tested on the CPU; training on the CPU goes its own way (`prune_core.training.loop`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from prune_core.base.memory_format import ORDINARY, as_logits, in_format
from prune_core.base.recipe import Recipe
from prune_core.training.device_data import DeviceData
from prune_core.training.optimizer import Masks, Sgd, add_sparsity, scales
from prune_core.training.schedule import learning_rate


class DeviceStep:
    """Gather, crop, flip, normalise, forward, loss, backward, sparsity, masks, SGD; in place only.

    Args:
        network: on the device of ``data``, in training mode.
        data: the training images.
        recipe: of the step; its epochs and rates come with `begin`, so they may be those of another call.
        optimizer: of the network's parameters.
        masks: of what is pruned.
        loss: float64 (), the sum over the images of the epoch.
        hits: int64 (), how many of them were right.
        layout: in which the network computes.

    Attributes:
        full: whole batches of an epoch.
        rest: images of the last, smaller batch, 0 where there is none.
    """

    def __init__(
        self,
        network: nn.Module,
        data: DeviceData,
        recipe: Recipe,
        *,
        optimizer: Sgd,
        masks: Masks,
        loss: Tensor,
        hits: Tensor,
        layout: torch.memory_format = torch.channels_last,
    ) -> None:
        self.network, self.data, self.recipe = network, data, recipe
        self.optimizer, self.masks, self.loss, self.hits, self.layout = optimizer, masks, loss, hits, layout
        self.device = data.padded.device
        self.scales = scales(network) if recipe.sparsity else []
        self.steps = data.steps(recipe.batch_size)
        self.full = len(data) // recipe.batch_size
        self.rest = len(data) % recipe.batch_size if self.steps > self.full else 0
        self.order = torch.zeros(len(data), dtype=torch.int64, device=self.device)
        self.draws = torch.zeros(len(data), 3, dtype=torch.int64, device=self.device)
        self.rates = torch.zeros(self.steps, dtype=torch.float32, device=self.device)
        self.counter = torch.zeros((), dtype=torch.int64, device=self.device)
        self._places = torch.arange(recipe.batch_size, device=self.device)
        self._last_places = torch.arange(len(data) - self.rest, len(data), device=self.device)

    def begin(self, stream: Sequence[object], epoch: int, first_step: int, recipe: Recipe) -> None:
        """Upload an epoch's order, draws and rates.

        Args:
            stream: what order and draws are derived from.
            epoch: 0-based.
            first_step: where the epoch goes on.
            recipe: whose schedule counts.
        """
        rates = [learning_rate(recipe, epoch, step, self.steps) for step in range(self.steps)]
        self.order.copy_(self.data.order(stream, epoch))
        self.draws.copy_(self.data.draws(stream, epoch))
        self.rates.copy_(torch.tensor(rates, dtype=torch.float32))
        self.counter.fill_(first_step)

    def run(self) -> None:
        """Do the step that the counter names, of a whole batch: what is captured and replayed."""
        self._step(self.counter * self.recipe.batch_size + self._places)

    def run_last(self) -> None:
        """Do the last step of an epoch with its smaller batch, never captured; no gradient of it stays."""
        self._step(self._last_places)
        self.optimizer.forget_gradients()

    def tensors(self) -> list[Tensor]:
        """Return everything that a step changes."""
        return [
            *self.network.parameters(),
            *self.network.buffers(),
            *self.optimizer.momentum,
            self.counter,
            self.loss,
            self.hits,
        ]

    def _step(self, places: Tensor) -> None:
        chosen = self.order[places]
        images = self.data.batch(chosen, self.draws[chosen])
        images = in_format(images, ORDINARY) if self.layout is ORDINARY else images
        labels = self.data.labels[chosen]
        # Wholly inside, and without the cache of casts: it would hand a tensor of one step to the next.
        bf16 = self.recipe.precision == "bf16"
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=bf16, cache_enabled=False):
            logits = as_logits(self.network(images))
        loss = functional.cross_entropy(logits.float(), labels, label_smoothing=self.recipe.label_smoothing)
        self.optimizer.forget_gradients()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.recipe.sparsity:
            add_sparsity(self.scales, self.recipe.sparsity)
        self.masks.zero_gradients()
        # Not `rates[counter]`: an index of no dimension is read by the host.
        self.optimizer.step(self.rates.index_select(0, self.counter.view(1)).view(()))
        self.masks.zero_weights()
        self.loss.add_(loss.detach() * len(labels))
        self.hits.add_((logits.detach().argmax(1) == labels).sum())
        self.counter.add_(1)
