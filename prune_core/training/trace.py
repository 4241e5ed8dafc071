"""What one step asks of the device, operator by operator: whether it can be replayed, and a replay without any GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_READS = {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape}
"""Tags of operators whose result, or its shape, the host has to know."""
_INDEXING = ("index", "index_put", "index_put_", "_unsafe_index", "_index_put_impl_")


@dataclass(frozen=True)
class _Call:
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    named: dict[str, Any]
    results: list[Tensor]


class OperatorTrace(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records the operators that run below autograd while it is active.

    Args:
        replayable: keep every tensor, so that `replay` works; without it only what was called is kept.

    Attributes:
        host_read: the first operator that made the host wait for a value, or moved one between host and device; None
            where there was none.
        called: per operator its name, the shapes and types of its tensors, and its other arguments as text.
    """

    def __init__(self, *, replayable: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.host_read: str | None = None
        self.called: list[str] = []
        self._replayable = replayable
        self._calls: list[_Call] = []

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Note the operator and run it."""
        named = kwargs or {}
        if self.host_read is None and _reads_on_host(func, args, named):
            self.host_read = str(func)
        self.called.append(f"{func} {_text(args)} {_text(sorted(named.items()))}")
        result = func(*args, **named)
        if self._replayable:
            self._calls.append(_Call(func, args, named, list(_tensors(result))))
        return result

    @torch.no_grad()
    def replay(self) -> None:
        """Run the recorded operators again on the very tensors that they had, as a CUDA graph does.

        Raises:
            RuntimeError: a value was read on the host, so a replay would not be the next step.
        """
        if self.host_read is not None:
            raise RuntimeError(f"{self.host_read} reads a value on the host")
        for call in self._calls:
            again = _tensors(call.function(*call.arguments, **call.named))
            for kept, new in zip(call.results, again, strict=True):
                # views and results of in-place operators are the recorded memory itself
                if kept.untyped_storage().data_ptr() != new.untyped_storage().data_ptr():
                    kept.copy_(new)


def _reads_on_host(function: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> bool:
    name = function.overloadpacket.__name__
    if name in _INDEXING:
        # by positions it is a gather; by a mask its shape is counted on the host
        return any(tensor.dtype in (torch.bool, torch.uint8) for tensor in _tensors(arguments[1]))
    if _READS & set(function.tags):
        return True
    devices = {tensor.device for tensor in _tensors([arguments, list(named.values())]) if tensor.dim()}
    target = named.get("device")
    if name in ("_to_copy", "copy_") and target is not None:
        devices.add(torch.device(target))
    return len({device.type for device in devices}) > 1


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)


def _text(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{tuple(value.shape)}{value.dtype}"
    if isinstance(value, list | tuple):
        return f"[{' '.join(map(_text, value))}]"
    return repr(value)
