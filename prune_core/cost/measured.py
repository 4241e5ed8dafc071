"""What the functions of costs are given: a network with what was measured about it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from torch import nn

from prune_core.base.errors import BadInput, Diverged
from prune_core.cost.complexity import Complexity, complexity, saved_bytes
from prune_core.metrics import COSTS
from prune_core.networks import convolutions


@dataclass(frozen=True)
class MeasuredNetwork:
    """One network whose costs are asked for.

    Attributes:
        network: on any device.
        input_shape: of one image, ``(C, H, W)``.
        dense_parameters: parameters of the unpruned network that it was.
        train_seconds: wall time of the training that led to it, None where that is not known.
        evaluate_seconds: wall time of its evaluation, None where that is not known.
        header: what its file says besides the network: of its images and classes.
    """

    network: nn.Module
    input_shape: tuple[int, ...]
    dense_parameters: int
    train_seconds: float | None = None
    evaluate_seconds: float | None = None
    header: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def size_bytes(self) -> int:
        """The length of its file, header included."""
        return saved_bytes(self.network, self.header)

    @cached_property
    def complexity(self) -> Complexity:
        """Its counts, measured by one forward pass."""
        return complexity(self.network, self.input_shape)

    @cached_property
    def sparsity(self) -> float:
        """The fraction of convolution weights that are exactly zero; channels that are gone are not weights."""
        weights = [module.weight.detach() for _, module in convolutions(self.network)]
        return sum(int((weight == 0).sum()) for weight in weights) / max(sum(weight.numel() for weight in weights), 1)


def cost_columns(measured: MeasuredNetwork) -> dict[str, float | int]:
    """Return every cost that can be said of a network, those of plugins included, by column.

    Raises:
        BadInput: the function of a cost returns something that is no number.
        Diverged: it returns NaN or an infinite number.
    """
    found: dict[str, float | int] = {}
    for name in COSTS:
        value: Any = COSTS.get(name).function(measured)
        if value is None:
            continue
        if not isinstance(value, int | float):
            try:  # a tensor or an array of one number is one
                value = float(value)
            except (TypeError, ValueError) as error:
                raise BadInput(f"cost {name}: its function returned {type(value).__name__}, no number ({error})") from None
        if not math.isfinite(value):
            raise Diverged(f"{name} is not finite")
        found[name] = value
    return found
