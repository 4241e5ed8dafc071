"""Copies of everything that a step changes, to try steps and take them back."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Kept:
    """The values of some tensors, and the state of the device's random generator, as they are now.

    Args:
        tensors: written back in place, so that whoever holds them (a graph, an optimiser) sees the old values.
        device: whose generator is kept; that of the CPU always is.
    """

    def __init__(self, tensors: Sequence[Tensor], device: torch.device) -> None:
        self._tensors, self._device = list(tensors), device
        self._copies = [tensor.detach().clone() for tensor in tensors]
        self._host = torch.get_rng_state()
        self._generator = torch.cuda.get_rng_state(device) if device.type == "cuda" else None

    @torch.no_grad()
    def restore(self) -> None:
        """Put the values and the generators back."""
        for tensor, copy in zip(self._tensors, self._copies, strict=True):
            tensor.copy_(copy)
        torch.set_rng_state(self._host)
        if self._generator is not None:
            torch.cuda.set_rng_state(self._generator, self._device)

    def same_as(self, tensors: Sequence[Tensor]) -> bool:
        """Return whether other tensors hold the values that were kept, to the bit; NaN is equal to NaN."""
        return all(_same(copy, tensor) for copy, tensor in zip(self._copies, tensors, strict=True))


def _same(one: Tensor, other: Tensor) -> bool:
    if one.is_floating_point():
        return bool(torch.all((one == other) & (one.signbit() == other.signbit()) | (one.isnan() & other.isnan())))
    return torch.equal(one, other)
