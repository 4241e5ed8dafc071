"""One forward pass of each image, its logits kept; what they mean is computed from them in `prune_core.scoring`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from prune_core.errors import BadInput
from prune_core.logits import LogitSet
from prune_core.metrics.columns import SEVERITIES
from prune_core.metrics.predictions import check_finite
from prune_core.scoring import record_columns

__all__ = ["LogitSet", "evaluate_network", "forward_logits", "recommended_environment", "record_columns"]

Array = npt.NDArray[Any]


class Cells(Protocol):
    """What `evaluate_network` needs of a corrupted set."""

    @property
    def corruptions(self) -> Sequence[str]:
        """The names of its corruptions."""

    def cell(self, corruption: str, severity: int) -> Array:
        """Return the corrupted images, ``(N, H, W, C)`` uint8."""


def recommended_environment() -> dict[str, str]:
    """Return the allocator settings of glibc for workers that evaluate; they count only when set before Python starts.

    Large activations are otherwise given back to the system after each batch and faulted in again: ResNet-20 at batch 512
    went from 918 to 2,546 images per second with these (2 cores, torch on CPU). Other allocators ignore them.
    """
    four_gib, quarter_gib = str(4 << 30), str(256 << 20)
    return {
        "MALLOC_MMAP_THRESHOLD_": four_gib,
        "MALLOC_TRIM_THRESHOLD_": four_gib,
        "MALLOC_TOP_PAD_": quarter_gib,
    }


def forward_logits(
    network: nn.Module,
    images: Array,
    mean: Sequence[float],
    std: Sequence[float],
    *,
    device: str | torch.device = "cpu",
    batch_size: int = 64,
) -> npt.NDArray[np.float32]:
    """Forward each image once and return its logits.

    The network judges in eval mode with frozen statistics, and has the training flags it had before when this returns.

    Args:
        network: moved to the device if it is elsewhere.
        images: ``(N, H, W, C)`` uint8, may be a memory map.
        mean: per channel, of images in [0, 1].
        std: per channel.
        device: where to compute, in float32.
        batch_size: 32 to 64 is best on CPU; part of the description of a result, as it may change the last bits.

    Returns:
        ``(N, K)`` float32.

    Raises:
        BadInput: images are not (N, H, W, C) uint8 or the normalisation has another number of channels.
    """
    return np.concatenate(_forward(network, [images], mean, std, device=torch.device(device), batch_size=batch_size))


def evaluate_network(
    network: nn.Module,
    images: Array,
    labels: Array,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    corrupted: Cells | None = None,
    cell_index: Array | None = None,
    device: str | torch.device = "cpu",
    batch_size: int = 64,
) -> LogitSet:
    """Forward the clean images and every cell of the corrupted set, each image once, and keep the logits.

    Args:
        network: as in `forward_logits`.
        images: ``(N, H, W, C)`` uint8.
        labels: ``(N,)`` integers.
        mean: per channel.
        std: per channel.
        corrupted: cells made of these images, or of those of ``cell_index`` alone; None for the clean images only.
        cell_index: ``(N2,)`` increasing positions: which of the images the cells cover; None means all.
        device: where to compute.
        batch_size: images per forward pass; the severities of a corruption are batched together.

    Raises:
        BadInput: the number of images in a cell is neither N nor N2.
        Diverged: a logit is NaN or infinite.
    """
    where = torch.device(device)
    clean = forward_logits(network, images, mean, std, device=where, batch_size=batch_size)
    check_finite(clean, "clean images")
    index = np.arange(len(images)) if cell_index is None else np.asarray(cell_index, np.int64)
    cells: dict[str, Array] = {}
    for name in corrupted.corruptions if corrupted is not None else ():
        assert corrupted is not None  # noqa: S101  (for the type checker)
        pictures = [_chosen(corrupted.cell(name, severity), len(images), index, name) for severity in SEVERITIES]
        logits = np.stack(_forward(network, pictures, mean, std, device=where, batch_size=batch_size))
        check_finite(logits, name)
        cells[name] = _halved(logits)
    kept = index if cells else np.zeros(0, np.int64)
    return LogitSet(np.asarray(labels, np.int64), clean, cells, kept)


def _chosen(cell: Array, total: int, index: Array, name: str) -> Array:
    """The images of a cell that ``index`` names, whether the cell holds all images or those alone."""
    if len(cell) == len(index):
        return cell
    if len(cell) == total:
        return cell[index]
    raise BadInput(f"{name}: a cell of {len(cell)} images fits neither the {total} images nor the {len(index)} chosen")


def _halved(logits: Array) -> npt.NDArray[np.float16]:
    """Float16 logits, each row less its largest: same softmax, and the precision is where the probability is."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(np.maximum(shifted, np.finfo(np.float16).min), dtype=np.float16)


def _forward(
    network: nn.Module,
    arrays: Sequence[Array],
    mean: Sequence[float],
    std: Sequence[float],
    *,
    device: torch.device,
    batch_size: int,
) -> list[npt.NDArray[np.float32]]:
    """The logits of several arrays of images, batched across their borders."""
    for array in arrays:
        _check_images(array, mean, std)
    if batch_size < 1:
        raise BadInput(f"batch_size must be at least 1, got {batch_size}")
    scale = (1.0 / (255.0 * torch.tensor(list(std), dtype=torch.float64))).float().to(device).view(1, -1, 1, 1)
    shift = (torch.tensor(list(mean), dtype=torch.float64) / torch.tensor(list(std))).float().to(device).view(1, -1, 1, 1)
    logits = []
    with _judging(network.to(device)), torch.inference_mode():
        for batch in _batches(arrays, batch_size):
            pixels = torch.from_numpy(batch).to(device).permute(0, 3, 1, 2)
            inputs = pixels.to(torch.float32, memory_format=torch.contiguous_format).mul_(scale).sub_(shift)
            logits.append(network(inputs).float())
        together = torch.cat(logits).cpu().numpy()
    borders = np.cumsum([len(array) for array in arrays])[:-1]
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
def _judging(network: nn.Module) -> Iterator[None]:
    """Eval mode, and afterwards the flag that each module had: some may be frozen while others train."""
    flags = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, flag in flags:
            module.training = flag
