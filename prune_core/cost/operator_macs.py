"""The second counter beside `prune_core.cost.complexity`, by another way: torch's Python functions, from shapes alone.

The first one watches torch's dispatcher, below these functions, and asks what is a weight. This one sees a call of
``conv2d``, ``linear`` or ``matmul`` before torch takes it apart, and neither weights nor values. It knows what our networks
use. Where the two differ (a function that is not in its list, such as ``einsum``), torch's own ``FlopCounterMode`` decides,
which imports torch's compiler: that costs a worker seconds and more memory than the network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from prune_core.cost.products import plain_operators

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


def products_by_functions(network: nn.Module, images: Tensor) -> int:
    """Return the multiply-accumulates of all products of one forward pass, counted by `OperatorMacs`."""
    counter = OperatorMacs()
    with torch.no_grad(), plain_operators(network), counter:
        network(images)
    return counter.total


def products_by_torch(network: nn.Module, images: Tensor) -> int:
    """Return the same by ``torch.utils.flop_counter``, with torch's compiler as its price."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with torch.no_grad(), plain_operators(network), counter:
        network(images)
    return int(counter.get_total_flops()) // 2
