"""One forward pass of each image, its logits kept; `prune_core.evaluation.scoring` computes what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from prune_core.base.errors import BadInput
from prune_core.evaluation.batch_size import batch_size_of
from prune_core.evaluation.forward import forward_arrays, forward_logits
from prune_core.evaluation.logits import LogitSet
from prune_core.evaluation.scoring import record_columns
from prune_core.metrics.columns import SEVERITIES
from prune_core.metrics.predictions import check_finite

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
    batch_size: int | None = None,
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
        batch_size: images per forward pass, by default the device's; the severities of a corruption are batched together.

    Raises:
        BadInput: the number of images in a cell is neither N nor N2.
        Diverged: a logit is NaN or infinite.
    """
    where = torch.device(device)
    batch_size = batch_size_of(where.type) if batch_size is None else batch_size
    clean = forward_logits(network, images, mean, std, device=where, batch_size=batch_size)
    check_finite(clean, "clean images")
    index = np.arange(len(images)) if cell_index is None else np.asarray(cell_index, np.int64)
    cells: dict[str, Array] = {}
    for name in corrupted.corruptions if corrupted is not None else ():
        assert corrupted is not None  # noqa: S101  (for the type checker)
        pictures = [_chosen(corrupted.cell(name, severity), len(images), index, name) for severity in SEVERITIES]
        logits = np.stack(forward_arrays(network, pictures, mean, std, device=where, batch_size=batch_size))
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
