"""Reading tensors from a file of unknown origin without executing it: safetensors, or torch's weights-only pickle."""

from __future__ import annotations

import argparse
import pickle
import re
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from prune_core.base.errors import BadInput
from prune_core.base.limits import CHECKPOINT_SLACK_BYTES, size_text

NESTED = ("state_dict", "model", "model_state_dict", "net")
"""Keys under which public checkpoints keep the state dict, beside epoch, optimiser and the like."""

_ZIP = b"PK\x03\x04"
# Anything else that a damaged pickle can make the unpickler raise; all of it means "not a checkpoint".
_DAMAGED = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


def read_state_dict(path: str | Path) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint by name, on the CPU.

    Args:
        path: ``.safetensors``, or what ``torch.save`` wrote (``.pt``, ``.pth``, ``.th``, ...): a state dict, or one nested
            under a key of `NESTED`.

    Raises:
        BadInput: when there is no such file, it is damaged, holds more than tensors and plain data, or no state dict.
    """
    path = Path(path)
    if not path.is_file():
        raise BadInput(f"no such checkpoint: {path}")
    read = _read_safetensors if path.suffix == ".safetensors" else _read_pickle
    found = read(path)
    for _ in NESTED:
        inner = (found[key] for key in NESTED if isinstance(found, Mapping) and isinstance(found.get(key), Mapping))
        found = next(inner, found)
    if not isinstance(found, Mapping) or not found or not all(map(_is_plain_tensor, found.values())):
        raise BadInput(
            f"no state dict in {path}: a mapping of names to tensors is needed, plain or under {', '.join(NESTED)}"
        )
    return {str(name): tensor for name, tensor in found.items()}


def _is_plain_tensor(value: Any) -> bool:
    """Return whether it holds values that can be copied into a parameter."""
    return isinstance(value, Tensor) and value.layout == torch.strided and not value.is_meta and not value.is_quantized


def _read_safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, *_DAMAGED) as error:
        raise BadInput(f"{path} is not a safetensors file, or a damaged one: {_first_line(error)}") from error


def _check_packed(path: Path) -> None:
    """Raise `BadInput` for a file that is much larger when unpacked: torch compresses nothing, so it was made for that."""
    with path.open("rb") as stream:
        packed = stream.read(len(_ZIP)) == _ZIP
    if packed:
        with zipfile.ZipFile(path) as file:
            unpacked = sum(member.file_size for member in file.infolist())
        if unpacked > path.stat().st_size + CHECKPOINT_SLACK_BYTES:
            raise BadInput(
                f"{path} holds {size_text(unpacked)} in a file of {size_text(path.stat().st_size)} and was not loaded "
                f"(allowed: checkpoints as torch.save writes them, uncompressed)"
            )


def _read_pickle(path: Path) -> Any:
    try:
        _check_packed(path)
        with torch.serialization.safe_globals(_harmless()):
            return torch.load(path, map_location="cpu", weights_only=True)
    except BadInput:
        raise
    except _DAMAGED as error:
        forbidden = re.search(r"GLOBAL (\S+)", str(error))
        if forbidden:
            raise BadInput(f"{path} holds more than tensors ({forbidden[1]}) and was not loaded") from error
        raise BadInput(f"{path} is not a checkpoint, or a damaged one ({type(error).__name__})") from error


def _harmless() -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """Return what public checkpoints hold beside tensors: a NumPy number (best accuracy), the parsed command line."""
    scalar: Any = np.float64(0).__reduce__()[0]
    dtypes = [type(np.dtype(kind)) for kind in (np.float64, np.float32, np.int64, np.bool_)]
    return [scalar, (scalar, "numpy.core.multiarray.scalar"), np.dtype, *dtypes, argparse.Namespace]


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
