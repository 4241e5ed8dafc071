"""Multiply-accumulates by the operators that reach torch's dispatcher: the counter behind `prune_core.cost.complexity`.

What multiplies is seen however it was written: as a layer, as ``torch.nn.functional``, as ``@``, behind a parametrization,
inside a module of the user's own. An operand is a weight if it does not depend on the image, so that a low-rank adapter
counts and a product of two activations, as in attention, is told apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

_FIRST_FACTOR = {
    "aten::mm": 0,
    "aten::bmm": 0,
    "aten::addmm": 1,
    "aten::baddbmm": 1,
    "aten::addbmm": 1,
    "aten::_addmm_activation": 1,
}
"""Operators that multiply matrices, with the position of the first factor; the second one follows it."""

ATTENTION = "aten::_scaled_dot_product"
"""Begin of the names of torch's fused attention operators; their first arguments are query, key and value."""


def nonzero(weight: Tensor) -> int:
    """Return how many values are not zero; all of them on the meta device, where there are no values."""
    return weight.numel() if weight.is_meta else int(torch.count_nonzero(weight))


class Products(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts while it is entered; biases do not count.

    Args:
        network: whose parameters the weights come from.
        image: what it will be called with; whatever is computed from it depends on the image.

    Attributes:
        macs: of convolutions, and of matrix products with one factor that does not depend on the image.
        nonzero_macs: the same without those that multiply by a weight that is zero.
        attention_macs: of matrix products with two factors that depend on the image.
        weight_macs: of matrix products among weights alone; made once for a set of weights, not for an image.
    """

    def __init__(self, network: nn.Module, image: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.macs = self.nonzero_macs = self.attention_macs = self.weight_macs = 0
        self._parameters = list(network.parameters())
        self._numbers = {_storage(parameter): number for number, parameter in enumerate(self._parameters)}
        self._sources = {storage: frozenset({number}) for storage, number in self._numbers.items()}
        self._images = {_storage(image)}
        self._zeros: dict[frozenset[int], int] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # otherwise torch imports its compiler, which costs a worker seconds and more memory than the network

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operator, count it, and note what its result was made from."""
        result = func(*args, **(kwargs or {}))
        name = str(func.name()).partition(".")[0]
        given = list(_tensors([args, kwargs or {}]))
        if name == "aten::convolution":
            self._convolution(args[0], args[1], result, transposed=bool(args[6]))
        elif name in _FIRST_FACTOR:
            position = _FIRST_FACTOR[name]
            self._matrix_product(args[position], args[position + 1])
        elif name.startswith(ATTENTION) and not name.endswith("backward"):
            query, key, value = args[:3]
            self.attention_macs += query[..., 0].numel() * key.shape[-2] * (query.shape[-1] + value.shape[-1])
        self._note(given, list(_tensors(result)))
        return result

    def zeros(self) -> int:
        """Return how many weights met so far are zero; those computed from the same parameters count once."""
        return sum(self._zeros.values())

    def meet(self, weight: Tensor) -> None:
        """Take a weight into `zeros` that no operator used: a parameter, or computed from parameters in this mode."""
        storage = _storage(weight)
        sources = self._sources.get(storage)
        if not sources or storage in self._images:
            return
        parameters = [self._parameters[number] for number in sources]
        if storage in self._numbers:
            weight = parameters[0]  # a part of a parameter stands for all of it
        found = min(weight.numel() - nonzero(weight), sum(parameter.numel() for parameter in parameters))
        self._zeros[sources] = min(found, self._zeros.get(sources, found))

    def _convolution(self, maps: Tensor, weight: Tensor, result: Tensor, *, transposed: bool) -> None:
        # Each weight is used once for every output position (every input position of a transposed convolution).
        positions = (maps if transposed else result).numel() // max((maps if transposed else result).shape[1], 1)
        self._weighted(weight, weight.numel() * positions)

    def _matrix_product(self, first: Tensor, second: Tensor) -> None:
        count = first.numel() * second.shape[-1]
        moving = [_storage(factor) in self._images for factor in (first, second)]
        if all(moving):
            self.attention_macs += count
        elif not any(moving):
            self.weight_macs += count
        else:
            self._weighted(first if moving[1] else second, count)

    def _weighted(self, weight: Tensor, count: int) -> None:
        self.macs += count
        self.nonzero_macs += count // max(weight.numel(), 1) * nonzero(weight)
        self.meet(weight)

    def _note(self, given: list[Tensor], made: list[Tensor]) -> None:
        before = {_storage(tensor) for tensor in given}
        depends = not before.isdisjoint(self._images)
        sources = frozenset().union(*(self._sources.get(storage, frozenset()) for storage in before))
        for storage in {_storage(tensor) for tensor in made}:
            # Memory that is used again holds something new, unless the result is a view of what was given.
            old = storage in before
            if depends:
                self._images.add(storage)
            elif not old:
                self._images.discard(storage)
            if storage not in self._numbers:
                self._sources[storage] = sources


@contextmanager
def plain_operators(network: nn.Module) -> Iterator[None]:
    """Keep torch from fusing attention blocks and recurrent layers into operators that no counter knows."""
    fused = torch.backends.mha.get_fastpath_enabled()
    recurrent = any(isinstance(module, nn.RNNBase) for module in network.modules())
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        if recurrent:
            with torch.backends.mkldnn.flags(enabled=False):
                yield
        else:
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)


def _storage(tensor: Tensor) -> int:
    """Return what identifies the memory behind a tensor and all its views, also on the meta device."""
    try:
        return int(tensor.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):  # sparse tensors have none
        return id(tensor)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _tensors(each)
