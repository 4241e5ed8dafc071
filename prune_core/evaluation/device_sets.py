"""Images that stay on a GPU for every network that is judged on them: 2.3 GB are all of CIFAR-10-C."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Array = npt.NDArray[Any]

SHARE = 0.5
"""Of the memory that this process may use: the other half is for training."""


class DeviceSets:
    """Mapped files of images on one device, as far as they fit; what does not fit, or is no mapped file, is left out.

    Args:
        device: where they lie.
        limit: bytes at most; None is `SHARE` of what the process may use.
    """

    def __init__(self, device: torch.device, limit: int | None = None) -> None:
        self.device = device
        self._limit = limit
        self._held: dict[object, Tensor] = {}

    @property
    def bytes(self) -> int:
        """How much lies on the device."""
        return sum(tensor.numel() for tensor in self._held.values())

    def get(self, images: Array) -> Tensor | None:
        """Return uint8 ``(N, H, W, C)`` on the device, or None where the images have to be brought each time."""
        identity = identity_of(images)
        if identity is None:
            return None
        if identity not in self._held:
            limit = int(SHARE * _allowed(self.device)) if self._limit is None else self._limit
            if self.bytes + images.size > limit:
                return None
            self._held[identity] = torch.from_numpy(np.array(images)).to(self.device)
        return self._held[identity]

    def clear(self) -> None:
        """Give the memory back."""
        self._held.clear()


_SETS: dict[torch.device, DeviceSets] = {}


def sets_on(device: torch.device) -> DeviceSets:
    """Return the sets that this process keeps on a device; ``cuda`` is the current one."""
    if str(device) == "cuda":
        device = torch.device("cuda", torch.cuda.current_device())
    return _SETS.setdefault(device, DeviceSets(device))


def clear_sets() -> None:
    """Give up every set of this process: somebody is short of memory."""
    for sets in _SETS.values():
        sets.clear()


def identity_of(images: Array) -> object | None:
    """Return what tells mapped images from others, also after the map was opened again; None for arrays in memory."""
    root: Any = images
    while isinstance(root, np.memmap) and isinstance(root.base, np.ndarray):
        root = root.base
    if not isinstance(root, np.memmap) or root.filename is None:
        return None
    path = Path(root.filename)
    try:
        found = path.stat()
    except OSError:
        return None
    offset = images.__array_interface__["data"][0] - root.__array_interface__["data"][0] + root.offset
    return str(path), found.st_ino, found.st_size, found.st_mtime_ns, offset, images.shape, images.strides


def _allowed(device: torch.device) -> int:
    """Bytes of the device that this process may use, and that are not taken by others."""
    free, total = torch.cuda.mem_get_info(device)
    share = torch.cuda.get_per_process_memory_fraction(device)
    return int(min(share * total, free + torch.cuda.memory_reserved(device)))
