"""Training images as one uint8 tensor on the device; crops and flips of a whole batch in one gather.

The image tensor is padded once; a random crop of the padded image is then an index into a strided view of all its crops
(the idea of whole-dataset-on-device loaders). Draws are made for a whole epoch at once from (stream, epoch), so the batch of
(epoch, step) is the same wherever a training stops and goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prune_core.base.seeds import torch_generator

PADDING = {"none": 0, "shift": 2, "crop_flip": 4}
"""Zero pixels around the raw image, by augmentation (4 for CIFAR-10: He et al. 2016, section 4.2)."""


@dataclass(frozen=True)
class DeviceData:
    """Images and labels of one training subset, ready for batches.

    Attributes:
        padded: uint8 (N, C, H + 2p, W + 2p) on the device, channels last in memory.
        labels: int64 (N,) on the device.
        size: (H, W) of a crop.
        augmentation: a name of `PADDING`.
        mean: float32 (C, 1, 1), in units of [0, 1].
        std: float32 (C, 1, 1).
    """

    padded: Tensor
    labels: Tensor
    size: tuple[int, int]
    augmentation: str
    mean: Tensor
    std: Tensor

    @classmethod
    def of(
        cls,
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        *,
        mean: Sequence[float],
        std: Sequence[float],
        augmentation: str = "none",
        device: str | torch.device = "cpu",
    ) -> DeviceData:
        """Put uint8 images (N, H, W, C) and labels (N,) on the device."""
        pad = PADDING[augmentation]
        count, height, width, channels = images.shape
        padded = torch.zeros((count, height + 2 * pad, width + 2 * pad, channels), dtype=torch.uint8)
        padded[:, pad : pad + height, pad : pad + width] = torch.from_numpy(np.array(images))
        return cls(
            padded=padded.to(device).permute(0, 3, 1, 2),
            labels=torch.from_numpy(np.array(labels, dtype=np.int64)).to(device),
            size=(height, width),
            augmentation=augmentation,
            mean=torch.tensor(mean, dtype=torch.float32, device=device).view(-1, 1, 1),
            std=torch.tensor(std, dtype=torch.float32, device=device).view(-1, 1, 1),
        )

    def __len__(self) -> int:
        return len(self.labels)

    def steps(self, batch_size: int) -> int:
        """Return the steps of one epoch; a last batch of one single image is left out, batch norm cannot use it."""
        full, rest = divmod(len(self), batch_size)
        return full + (rest > 1)

    def batches(
        self, batch_size: int, stream: Sequence[object], epoch: int, first_step: int = 0
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield float32 images (B, C, H, W), normalised, channels last, and labels (B,), from ``first_step`` on."""
        order = torch.randperm(len(self), generator=torch_generator(*stream, "order", epoch))
        drawn = self._draw(stream, epoch).to(self.padded.device)
        for step in range(first_step, self.steps(batch_size)):
            chosen = order[step * batch_size : (step + 1) * batch_size].to(self.padded.device)
            yield self.normalised(self._crop(chosen, drawn[chosen])), self.labels[chosen]

    def normalised(self, images: Tensor) -> Tensor:
        """Return uint8 (B, C, H, W) as float32, scaled to [0, 1] and normalised."""
        scaled = images.to(torch.float32, memory_format=torch.channels_last).div_(255)
        return scaled.sub_(self.mean).div_(self.std)

    def _draw(self, stream: Sequence[object], epoch: int) -> Tensor:
        """Int64 (N, 3): row and column of the crop, and whether to flip."""
        generator = torch_generator(*stream, "augment", epoch)
        offsets = torch.randint(2 * PADDING[self.augmentation] + 1, (len(self), 2), generator=generator)
        return torch.cat([offsets, torch.randint(2, (len(self), 1), generator=generator)], dim=1)

    def _crop(self, chosen: Tensor, drawn: Tensor) -> Tensor:
        if self.augmentation == "none":
            return self.padded[chosen]
        height, width = self.size
        crops = self.padded.unfold(2, height, 1).unfold(3, width, 1)
        batch = crops[chosen, :, drawn[:, 0], drawn[:, 1]]
        if self.augmentation == "crop_flip":
            batch = torch.where(drawn[:, 2].view(-1, 1, 1, 1) == 1, batch.flip(-1), batch)
        return batch
