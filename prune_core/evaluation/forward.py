"""The forward pass of an evaluation: uint8 images in, float32 logits out, each image once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from prune_core.base.errors import BadInput
from prune_core.base.memory_format import Forward, as_logits
from prune_core.evaluation.batch_size import batch_size_of, images_at_once
from prune_core.evaluation.device_forward import device_logits
from prune_core.evaluation.device_sets import sets_on

Array = npt.NDArray[Any]


def forward_logits(
    network: nn.Module,
    images: Array,
    mean: Sequence[float],
    std: Sequence[float],
    *,
    device: str | torch.device = "cpu",
    batch_size: int | None = None,
) -> npt.NDArray[np.float32]:
    """Forward each image once and return its logits.

    The network judges in eval mode with frozen statistics, and has the training flags it had before when this returns.

    Args:
        network: moved to the device if it is elsewhere.
        images: ``(N, H, W, C)`` uint8, may be a memory map.
        mean: per channel, of images in [0, 1].
        std: per channel.
        device: where to compute, in float32.
        batch_size: of images of 32 x 32, by default the device's; larger ones come in smaller batches on a GPU
            (`images_at_once`).

    Returns:
        ``(N, K)`` float32.

    Raises:
        BadInput: images are not (N, H, W, C) uint8 or the normalisation has another number of channels.
        NotLogits: the network returns something else than logits.
    """
    where = torch.device(device)
    size = batch_size_of(where.type) if batch_size is None else batch_size
    return np.concatenate(forward_arrays(network, [images], mean, std, device=where, batch_size=size))


def forward_arrays(
    network: nn.Module,
    arrays: Sequence[Array],
    mean: Sequence[float],
    std: Sequence[float],
    *,
    device: torch.device,
    batch_size: int,
) -> list[npt.NDArray[np.float32]]:
    """Return the logits of several arrays of images, batched across their borders; else as `forward_logits`."""
    for array in arrays:
        _check_images(array, mean, std)
    if batch_size < 1:
        raise BadInput(f"batch_size must be at least 1, got {batch_size}")
    scale = (1.0 / (255.0 * torch.tensor(list(std), dtype=torch.float64))).float().to(device).view(1, -1, 1, 1)
    shift = (torch.tensor(list(mean), dtype=torch.float64) / torch.tensor(list(std))).float().to(device).view(1, -1, 1, 1)
    borders = np.cumsum([len(array) for array in arrays])[:-1]
    if device.type != "cpu":
        at_once = images_at_once(batch_size, *arrays[0].shape[1:3])
        with _judging(network.to(device), channels_last=False), torch.inference_mode():
            found = device_logits(Forward(network), arrays, scale, shift, sets_on(device), at_once).cpu().numpy()
        return list(np.split(found, borders))
    logits = []
    with _judging(network.to(device), channels_last=True), torch.inference_mode():
        forward = Forward(network)
        for batch in _batches(arrays, batch_size):
            pixels = torch.from_numpy(batch).permute(0, 3, 1, 2).to(torch.float32)
            inputs = pixels.mul_(scale).sub_(shift)
            logits.append(as_logits(forward(inputs)).float())
        together = torch.cat(logits).cpu().numpy()
    return list(np.split(together, borders))


def _check_images(images: Array, mean: Sequence[float], std: Sequence[float]) -> None:
    if images.ndim != 4 or images.dtype != np.uint8 or not len(images):
        raise BadInput(f"images must be (N, H, W, C) uint8 with N at least 1, got {images.shape} {images.dtype}")
    if not len(mean) == len(std) == images.shape[3]:
        raise BadInput(f"{images.shape[3]} channels, but a mean of {len(mean)} and a std of {len(std)}")
    if min(std) <= 0:
        raise BadInput(f"std must be positive, got {list(std)}")


def _batches(arrays: Iterable[Array], size: int) -> Iterator[Array]:
    """Contiguous, writable batches of ``size`` images over the arrays as if they were one; the last may be smaller."""
    rest: list[Array] = []
    for array in arrays:
        start = 0
        while start < len(array):
            take = min(size - sum(map(len, rest)), len(array) - start)
            rest.append(array[start : start + take])
            start += take
            if sum(map(len, rest)) == size:
                yield np.concatenate(rest)
                rest = []
    if rest:
        yield np.concatenate(rest)


@contextmanager
def _judging(network: nn.Module, *, channels_last: bool) -> Iterator[None]:
    """Eval mode; afterwards every module has the flag that it had, as some may be frozen while others train.

    On CPU the weights of convolutions are also laid out channels last meanwhile (ResNet-20 1.2 times, small VGG 2 times
    as fast), unless the network cannot compute like that; the tensors that an optimiser knows are put back untouched.
    """
    flags = [(module, module.training) for module in network.modules()]
    weights = [(p, p.data) for p in network.parameters() if p.dim() == 4]
    network.eval()
    try:
        for parameter, data in weights if channels_last else []:
            parameter.data = data.contiguous(memory_format=torch.channels_last)
        yield
    finally:
        for parameter, data in weights:
            parameter.data = data
        for module, flag in flags:
            module.training = flag
