"""Multiply-accumulates by the operators that really ran: the second counter beside `prune_core.cost.complexity`.

Torch has one, ``FlopCounterMode``, but it imports torch's compiler, which costs a worker seconds and more memory than the
network. This one agrees with it (the tests hold them together) and knows what our networks use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

_LAYERS = {F.conv1d, F.conv2d, F.conv3d, F.linear}
_TRANSPOSED = {F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d}
_PRODUCTS = {torch.matmul, Tensor.matmul, torch.mm, Tensor.mm, torch.bmm, Tensor.bmm, Tensor.__matmul__}


class OperatorMacs(TorchFunctionMode):
    """Sums up the multiply-accumulates of convolutions and matrix products while it is entered; biases do not count.

    Attributes:
        total: of everything that ran so far, the whole batch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the function and count what it did."""
        given = kwargs or {}
        result = func(*args, **given)
        if isinstance(result, Tensor):
            self.total += _products(func, args, given, result)
        return result


def _products(func: Callable[..., Any], args: tuple[Any, ...], given: dict[str, Any], result: Tensor) -> int:
    """Return how many products one call made, from the shapes of its operands."""
    if func in _LAYERS or func in _TRANSPOSED:
        weight: Tensor = args[1] if len(args) > 1 else given["weight"]
        # Each output value (each input value of a transposed one) meets one filter's row of weights.
        values: Tensor = (args[0] if args else given["input"]) if func in _TRANSPOSED else result
        return values.numel() * weight.shape[1:].numel()
    if func in _PRODUCTS:
        return result.numel() * int(args[0].shape[-1])
    return 0
