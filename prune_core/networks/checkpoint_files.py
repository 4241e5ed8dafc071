"""Reading tensors from a file of unknown origin without executing it: safetensors, or torch's weights-only pickle."""

from __future__ import annotations

import argparse
import datetime
import decimal
import fractions
import pickle
import re
import struct
import types
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import torch
from torch import Tensor

from prune_core.base.errors import BadInput
from prune_core.base.limits import CHECKPOINT_SLACK_BYTES, size_text

NESTED = ("state_dict", "model", "model_state_dict", "net", "network", "weights", "params")
"""Keys under which public checkpoints keep the state dict, beside epoch, optimiser and the like."""

_ZIP = b"PK\x03\x04"
REMEDY = "save the tensors alone: torch.save(network.state_dict(), path)"

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
            under a key of `NESTED`. Numbers, text, paths and dates beside the tensors are left out.

    Raises:
        BadInput: when there is no such file, it is damaged, holds more than tensors and plain data, or no state dict.
    """
    path = Path(path)
    found = _read(path)
    for _ in NESTED:
        inner = (found[key] for key in NESTED if isinstance(found, Mapping) and isinstance(found.get(key), Mapping))
        found = next(inner, found)
    tensors = _tensors_of(found)
    if tensors is None:
        raise BadInput(
            f"no state dict in {path}: a mapping of names to tensors is needed, plain or under {', '.join(NESTED)}"
        )
    return tensors


def read_beside_tensors(path: str | Path) -> dict[str, Any]:
    """Return the plain data that a checkpoint holds beside its tensors, by key.

    The metadata of ``.safetensors``, or the entries of what ``torch.save`` wrote.

    Raises:
        BadInput: as of `read_state_dict`.
    """
    path = Path(path)
    found = _metadata(path) if path.suffix == ".safetensors" else _read(path)
    if not isinstance(found, Mapping):
        return {}
    return {str(key): value for key, value in found.items() if _holds_no_tensor(value)}


def _read(path: Path) -> Any:
    if not path.is_file():
        raise BadInput(f"no such checkpoint: {path}")
    return _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)


def _tensors_of(found: Any) -> dict[str, Tensor] | None:
    """Return the tensors of a mapping without the plain data among them; None where it is no state dict."""
    if not isinstance(found, Mapping) or any(isinstance(found.get(key), Tensor) for key in NESTED):
        return None
    tensors = {str(name): value for name, value in found.items() if isinstance(value, Tensor)}
    plain = all(_is_plain_tensor(value) for value in tensors.values())
    others = (value for value in found.values() if not isinstance(value, Tensor))
    return tensors if tensors and plain and all(_holds_no_tensor(value) for value in others) else None


def _holds_no_tensor(value: Any) -> bool:
    """Return whether a value is plain data: tensors inside it would be left out unseen."""
    if isinstance(value, Tensor):
        return False
    if isinstance(value, Mapping):
        return all(_holds_no_tensor(each) for each in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return all(_holds_no_tensor(each) for each in value)
    return True


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


def _metadata(path: Path) -> Mapping[str, str]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise BadInput(f"no such checkpoint: {path}")
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
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
            raise BadInput(f"{path} holds more than tensors ({forbidden[1]}) and was not loaded; {REMEDY}") from error
        raise BadInput(f"{path} is not a checkpoint, or a damaged one ({type(error).__name__})") from error


def _harmless() -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """Return what public checkpoints hold beside tensors: NumPy numbers, paths, dates, the parsed command line.

    All of it is plain data: making it runs none of the file's code and touches no other file. NumPy arrays are not in it: a
    forged type of theirs can point anywhere in memory.
    """
    scalar: Any = np.float64(0).__reduce__()[0]
    kinds = {PurePosixPath: ("PosixPath", "PurePosixPath"), PureWindowsPath: ("WindowsPath", "PureWindowsPath")}
    paths: list[tuple[Callable[..., Any], str]] = [
        (kind, f"{module}.{name}")
        for kind, names in kinds.items()
        for name in names
        for module in ("pathlib", "pathlib._local")
    ]
    return [
        *(scalar, (scalar, "numpy.core.multiarray.scalar"), (scalar, "numpy._core.multiarray.scalar"), np.dtype),
        *(type(np.dtype(kind)) for kind in "?bhilqBHILQefdU"),
        *paths,
        *(datetime.datetime, datetime.date, datetime.time, datetime.timedelta, datetime.timezone),
        *(decimal.Decimal, fractions.Fraction, complex, set, frozenset, slice, range),
        *(argparse.Namespace, types.SimpleNamespace),
    ]


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
