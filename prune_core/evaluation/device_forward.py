"""The forward pass of an evaluation on a GPU: images lie there or stream through pinned buffers, logits leave once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from prune_core.evaluation.device_sets import DeviceSets

Array = npt.NDArray[Any]


def device_logits(
    network: Callable[[Tensor], Tensor],
    arrays: Sequence[Array],
    scale: Tensor,
    shift: Tensor,
    sets: DeviceSets,
    batch_size: int,
) -> Tensor:
    """Return float32 logits ``(N, K)``, on the device, of several arrays of images as if they were one.

    The host only queues work, so it is ahead of the device; nothing is read back before the end.

    Args:
        network: on the device, in evaluation mode; called under inference mode.
        arrays: each ``(n, H, W, C)`` uint8; N is the sum of the n.
        scale: float32 ``(1, C, 1, 1)``: of a pixel in 0 to 255.
        shift: the same, subtracted afterwards.
        sets: where images that stay on the device are found.
        batch_size: images per forward pass; the last one may be smaller.
    """
    total, at = sum(map(len, arrays)), 0
    logits = torch.empty(0)
    for batch in device_batches(arrays, sets, batch_size):
        inputs = batch.permute(0, 3, 1, 2).to(torch.float32).contiguous()
        found = network(inputs.mul_(scale).sub_(shift)).float()
        if at == 0:
            logits = torch.empty((total, *found.shape[1:]), dtype=torch.float32, device=found.device)
        logits[at : at + len(found)] = found
        at += len(found)
    return logits


def device_batches(arrays: Sequence[Array], sets: DeviceSets, size: int) -> Iterator[Tensor]:
    """Yield uint8 ``(n, H, W, C)`` on the device, ``size`` images each over the arrays as if they were one."""
    lane = _Lane(sets.device, size)
    parts: list[Tensor] = []
    for array in arrays:
        resident = sets.get(array)
        start = 0
        while start < len(array):
            take = min(size - sum(map(len, parts)), len(array) - start)
            chosen = slice(start, start + take)
            parts.append(resident[chosen] if resident is not None else lane.bring(array[chosen]))
            start += take
            if sum(map(len, parts)) == size:
                yield parts[0] if len(parts) == 1 else torch.cat(parts)
                parts = []
    if parts:
        yield parts[0] if len(parts) == 1 else torch.cat(parts)


class _Lane:
    """Two pinned buffers in turn: one is filled by the host while the device still reads the other."""

    def __init__(self, device: torch.device, size: int) -> None:
        self._device, self._size = device, size
        self._cuda = device.type == "cuda"
        self._buffers: list[Tensor] = []
        self._read: list[torch.cuda.Event] = []
        self._turn = 0

    def bring(self, images: Array) -> Tensor:
        """Return a copy of at most ``size`` images on the device."""
        if not self._cuda:
            return torch.from_numpy(np.array(images)).to(self._device)
        if not self._buffers:
            shape = (self._size, *images.shape[1:])
            self._buffers = [torch.empty(shape, dtype=torch.uint8, pin_memory=True) for _ in range(2)]
            self._read = [torch.cuda.Event() for _ in range(2)]  # type: ignore[no-untyped-call]
        buffer, read = self._buffers[self._turn], self._read[self._turn]
        self._turn = 1 - self._turn
        read.synchronize()  # an event that was never recorded does not wait
        buffer.numpy()[: len(images)] = images
        brought = buffer[: len(images)].to(self._device, non_blocking=True)
        read.record()
        return brought
