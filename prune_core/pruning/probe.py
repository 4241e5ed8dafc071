"""The images that are shown to a user's network to see which channels go together: of a size that it computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn

from prune_core.base.errors import BadInput, first_line
from prune_core.base.memory_format import as_logits
from prune_core.networks import architecture_of

Size = tuple[int, int]
USUAL = (32, 28)
OTHERS = (64, 96, 224, 299, 16, 48, 24, 20, 40, 56, 128, 112, 80, 72, 160, 192, 256, 8, 12)
"""Sides of square images, tried where nobody says what the images are like."""
_OWN: ContextVar[Size | None] = ContextVar("own", default=None)


@contextmanager
def for_images(height: int, width: int) -> Iterator[None]:
    """Say, within the block, what images the networks are for: one that flattens its maps computes no others."""
    token = _OWN.set((height, width))
    try:
        yield
    finally:
        _OWN.reset(token)


def probe(network: nn.Module) -> Tensor:
    """Return two random images of the first size that the network, in evaluation mode, computes.

    The usual sizes come before the network's own (`for_images`): larger images only take longer.

    Raises:
        BadInput: none fits, or its answer is no tensor.
    """
    channels = architecture_of(network).options.get("in_channels", 3)
    generator = torch.Generator().manual_seed(0)
    parameter = next(network.parameters())
    reasons: dict[Size, str] = {}
    for size in _sizes():
        images = torch.randn(2, channels, *size, generator=generator, dtype=torch.float64).to(parameter)
        try:
            with torch.no_grad():
                answer = network(images)
        except Exception as error:  # noqa: BLE001  (a user's network may raise anything for a size that it is not made for)
            reasons[size] = first_line(error)
            continue
        if not isinstance(answer, Tensor):
            as_logits(answer)
        if answer.ndim == 2 and len(answer) == len(images):
            return images
        reasons[size] = f"for {len(images)} images it returns values of shape {tuple(answer.shape)}"
    told = _OWN.get() or (USUAL[0], USUAL[0])
    sizes = ", ".join(f"{height}x{width}" for height, width in reasons)
    why = f"at {told[0]}x{told[1]}: {reasons[told]}"
    raise BadInput(f"the network computes images of none of these sizes, so it cannot be traced: {sizes} ({why})")


def _sizes() -> list[Size]:
    own = _OWN.get()
    return list(dict.fromkeys([*((side, side) for side in USUAL), *([own] if own else ((side, side) for side in OTHERS))]))
