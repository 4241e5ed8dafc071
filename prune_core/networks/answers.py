"""What a network must answer: one finite row of numbers per image, as long as there are classes."""

from __future__ import annotations

import torch
from torch import nn

from prune_core.base.errors import BadInput, first_line
from prune_core.base.memory_format import Forward, as_logits


def refuse_unable(network: nn.Module, shape: tuple[int, int, int], classes: int | None) -> int:
    """Show a network two black images, in evaluation mode; return how many numbers it gives for each.

    Args:
        network: is put into evaluation mode.
        shape: height, width and channels of an image.
        classes: how many numbers it must return per image; None for any number.

    Raises:
        BadInput: it cannot compute them, or its answer is not one number per image and class.
    """
    height, width, channels = shape
    device = next(network.parameters()).device
    try:
        with torch.inference_mode():
            answer = Forward(network.eval())(torch.zeros(2, channels, height, width, device=device))
    except Exception as error:
        raise BadInput(f"it does not take images of {height}x{width}x{channels}: {first_line(error)}") from error
    found = tuple(as_logits(answer).shape)
    if found[0] != 2 or (classes is not None and found[1] != classes):
        raise BadInput(f"for two images it returns a tensor of shape {found}, not (2, {classes or 'classes'})")
    return int(found[1])
