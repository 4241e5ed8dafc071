"""What this machine has, and what is missing, one line each: first what needs no library, PyTorch last."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

SHOWN = ("torch", "ray", "optuna", "mlflow", "pandas", "pyarrow", "plotly", "matplotlib", "mlxtend", "safetensors")
"""Packages whose version is said; of the others that are needed only those that are missing or too old."""
EXTRAS = {
    "onnx": "export to ONNX",
    "onnxruntime": "checks of exported files",
    "torch_pruning": "networks of your own",
    "optuna_dashboard": "optuna-dashboard",
    "psycopg": "PostgreSQL for teams",
}
_LONGEST = 300
"""Letters of what a library says that is broken."""


def findings() -> Iterator[str]:
    """Yield what was found: versions, cores, memory, disk, data, what the extras would add, GPU.

    A line comes as soon as it is known, and what breaks is a line like the others.
    """
    yield f"ok       Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    yield from _lines("packages", _packages)
    yield from _lines("cores", lambda: [_cores()])
    yield from _lines("memory", lambda: [_memory()])
    yield from _lines("disk here", lambda: [_disk("here", Path.cwd())])
    yield from _lines("disk cache", lambda: [_disk("cache", _cache())])
    yield from _lines("data", _data)
    for name, purpose in EXTRAS.items():
        found = _version(name.replace("_", "-"))
        yield f"ok       {name} {found}: {purpose}" if found else f"absent   {name}: {purpose} (an extra)"
    yield from _lines("torch", lambda: [_device()])


def _lines(what: str, found: Callable[[], Iterable[str]]) -> Iterator[str]:
    """Yield lines as they are found; where a library breaks, a line that says so and what it said."""
    try:
        yield from found()
    except Exception as error:  # noqa: BLE001 - a broken library raises anything
        said = " ".join(str(error).split())
        yield f"broken   {what}: {type(error).__name__}{': ' * bool(said)}{said[:_LONGEST]}"


def _packages() -> Iterator[str]:
    """Yield what the installed prunefront says that it needs; by name alone where it is not installed."""
    from packaging.requirements import Requirement

    try:
        needed = [Requirement(text) for text in requires("prunefront") or ()]
    except PackageNotFoundError:
        needed = [Requirement(name) for name in SHOWN]
    for each in needed:
        if each.marker is not None and not each.marker.evaluate({"extra": ""}):
            continue
        found = _version(each.name)
        if found is None:
            yield f"missing  {each.name}: install prunefront anew"
        elif not each.specifier.contains(found, prereleases=True):
            yield f"old      {each.name} {found}: {each.specifier} is needed, install prunefront anew"
        elif each.name in SHOWN:
            yield f"ok       {each.name} {found}"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _cores() -> str:
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return f"ok       {usable} cores to use"


def _memory() -> str:
    import psutil

    memory = psutil.virtual_memory()
    word = "ok    " if memory.available > 4 << 30 else "little"
    return f"{word}   {memory.available / 2**30:.1f} GiB of memory free of {memory.total / 2**30:.1f} GiB"


def _disk(what: str, path: Path) -> str:
    there = next(parent for parent in (path, *path.parents) if parent.exists())
    free = shutil.disk_usage(there).free
    writable = os.access(there, os.W_OK)
    word = "wrong " if not writable else "ok    " if free > 2 << 30 else "little"
    return f"{word}   disk {what} ({path}): {free / 2**30:.1f} GiB free{'' if writable else ', not writable'}"


def _cache() -> Path:
    from prune_core.data.cache import default_cache

    return default_cache()


def _device() -> str:
    import torch

    if not torch.cuda.is_available():
        return "absent   GPU: torch sees no CUDA device, so device: cpu"
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return f"ok       GPU: {', '.join(names)}; {_mps()}"


def _mps() -> str:
    """Whether NVIDIA's Multi-Process Service runs here, by the pipe that its control daemon makes."""
    folder = Path(os.environ.get("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps"))  # noqa: S108  (where NVIDIA puts it)
    runs = (folder / "control").exists()
    return "MPS runs" if runs else "MPS does not run: trials that share a GPU take turns on it"


def _data() -> Iterator[str]:
    from prune_core.data import DATASETS, source_of

    for name in DATASETS:
        if not source_of(name).argument:
            yield from _lines(f"data {name}", partial(_dataset, name))


def _dataset(name: str) -> list[str]:
    from prune_core.base.errors import BadInput
    from sweeps.plan.data import load_data

    try:
        dataset = load_data(name, {}, download=False)
    except BadInput as error:
        said = " ".join(str(error).split()).removeprefix(f"dataset {name!r}: ")
        return [f"absent   data {name}: {said}"]
    return [f"ok       data {name}: {len(dataset.train_labels):,} images"]
