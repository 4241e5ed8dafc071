"""In which layout a network computes: channels last, which is the faster one on a CPU, unless its forward pass cannot.

``view`` needs the order (N, C, H, W) in memory: networks that flatten by ``x.view(len(x), -1)``, as tutorials do, fail on
maps that are channels last. Whoever shows images to a network, to train it or to judge it, asks here.
"""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from prune_core.base.copies import copied
from prune_core.base.errors import BadInput

ORDINARY, CHANNELS_LAST = torch.contiguous_format, torch.channels_last


def training_format(network: nn.Module, images: Tensor) -> torch.memory_format:
    """Return the layout to train in: channels last, or the ordinary one if the network computes in that one only.

    A copy is tried on two zero images in the mode that the network is in; the network and torch's random state stay as they
    are. A network that computes in neither gets channels last, so that its own error is what is seen.

    Args:
        network: on the device of the images.
        images: ``(N, C, H, W)`` float32; only shape and device count.
    """
    shown = torch.zeros(2, *images.shape[1:], device=images.device)
    devices = [images.device] if images.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        for layout in (CHANNELS_LAST, ORDINARY):
            twin = copied(network)
            set_format(twin, layout)
            try:
                twin(in_format(shown, layout))
            except RuntimeError:
                continue
            return layout
    return CHANNELS_LAST


class Forward:
    """Calls a network in evaluation mode; goes over to the ordinary layout where it does not compute in the one it got.

    Args:
        network: in evaluation mode; the layout of its weights may change on the way.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self._ordinary = False

    def __call__(self, images: Tensor) -> Any:
        """Return what the network says to images ``(N, C, H, W)``."""
        if self._ordinary:
            return self.network(in_format(images, ORDINARY))
        try:
            return self.network(images)
        except RuntimeError as error:
            set_format(self.network, ORDINARY)
            try:
                answer = self.network(in_format(images, ORDINARY))
            except RuntimeError:
                raise error from None
            self._ordinary = True
            return answer


def in_format(tensor: Tensor, layout: torch.memory_format) -> Tensor:
    """Return a 4-dimensional tensor in a layout; in the ordinary one its strides say so also where a dimension is 1.

    Where the order in memory does not matter, as in maps of one channel or of one pixel, torch takes a tensor for channels
    last if its strides look like that, and goes on in that layout.
    """
    if layout is CHANNELS_LAST:
        return tensor.to(memory_format=CHANNELS_LAST)
    strides = tuple(prod(tensor.shape[at + 1 :]) for at in range(tensor.dim()))
    return tensor if tensor.stride() == strides else tensor.clone(memory_format=ORDINARY)


def set_format(network: nn.Module, layout: torch.memory_format) -> None:
    """Lay the 4-dimensional parameters and buffers of a network out in place; they stay the same objects."""
    with torch.inference_mode(False), torch.no_grad():
        for tensor in [*network.parameters(), *network.buffers()]:
            if tensor.dim() == 4:
                tensor.data = in_format(tensor.data, layout)


class NotLogits(BadInput, TypeError):
    """A network's answer is not one number per image and class."""


def as_logits(answer: Any) -> Tensor:
    """Return what a network said.

    Raises:
        NotLogits: it is no tensor ``(N, classes)``.
    """
    if isinstance(answer, Tensor) and answer.ndim == 2:
        return answer
    what = f"values of shape {tuple(answer.shape)}" if isinstance(answer, Tensor) else f"a {type(answer).__name__}"
    raise NotLogits(f"the network returns {what}, not logits (N, classes)")
