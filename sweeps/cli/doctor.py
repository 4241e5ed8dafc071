"""What this machine has, and what is missing, one line each."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

NEEDED = ("torch", "ray", "optuna", "mlflow", "pandas", "pyarrow", "plotly", "matplotlib", "mlxtend", "safetensors")
EXTRAS = {
    "onnx": "export to ONNX",
    "onnxruntime": "checks of exported files",
    "torch_pruning": "networks of your own",
    "optuna_dashboard": "optuna-dashboard",
    "psycopg": "PostgreSQL for teams",
}


def findings() -> list[str]:
    """Return what was found: versions, cores, memory, disk, GPU, data, and what the extras would add."""
    lines = [f"ok       Python {platform.python_version()} on {platform.system()} {platform.machine()}"]
    for name in NEEDED:
        found = _version(name)
        lines.append(f"ok       {name} {found}" if found else f"missing  {name}: install prunefront anew")
    lines += [_cores(), _memory(), _disk("here", Path.cwd()), _disk("cache", _cache()), _device()]
    lines += [_dataset(name) for name in _datasets()]
    for name, purpose in EXTRAS.items():
        found = _version(name.replace("_", "-"))
        lines.append(f"ok       {name} {found}: {purpose}" if found else f"absent   {name}: {purpose} (an extra)")
    return lines


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


def _datasets() -> list[str]:
    from prune_core.data import DATASETS, source_of

    return [name for name in DATASETS if not source_of(name).argument]


def _dataset(name: str) -> str:
    from prune_core.base.errors import BadInput
    from sweeps.plan.data import load_data

    try:
        dataset = load_data(name, {}, download=False)
    except BadInput as error:
        return f"absent   data {name}: {' '.join(str(error).split())}"
    return f"ok       data {name}: {len(dataset.train_labels):,} images"
