"""In which arithmetic a GPU multiplies float32: exactly, or with the 10-bit mantissas of TF32.

Only the switches of torch 2.9 and later are used. Setting these and the older ``allow_tf32`` in one process raises.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def arithmetic(precision: str, device: torch.device) -> Iterator[None]:
    """Multiply float32 as a recipe's precision says while training; judging is exact whatever the recipe was.

    Args:
        precision: of a `Recipe`; only ``tf32`` changes anything.
        device: on the CPU there is no TF32, and ``tf32`` is ``fp32``.
    """
    if device.type != "cuda":
        yield
        return
    multiply_in("tf32" if precision == "tf32" else "ieee")
    try:
        yield
    finally:
        multiply_in("ieee")


def multiply_in(arithmetic: str) -> None:
    """Set the arithmetic of float32 products on GPUs, ``ieee`` or ``tf32``: matrices, convolutions and recurrent layers."""
    torch.backends.cuda.matmul.fp32_precision = arithmetic
    torch.backends.cudnn.conv.fp32_precision = arithmetic  # type: ignore[attr-defined]
    torch.backends.cudnn.rnn.fp32_precision = arithmetic  # type: ignore[attr-defined]


@contextmanager
def switches_as_at_start() -> Iterator[None]:
    """Set the switches of cuDNN for a while as PyTorch starts a process, to export a network: nothing may be computed then.

    ``torch.export`` asks for the older ``allow_tf32``, and reading that raises where these say anything else.
    """
    cudnn: Any = torch.backends.cudnn
    backends = (cudnn.conv, cudnn.rnn)
    before = [backend.fp32_precision for backend in backends]
    try:
        for backend in backends:
            backend.fp32_precision = "tf32"
        yield
    finally:
        for backend, value in zip(backends, before, strict=True):
            backend.fp32_precision = value
