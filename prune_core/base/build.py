"""What computed a number: versions and the kind of processor; two builds differ in the last bits, or more. No torch here."""

from __future__ import annotations

import contextlib
import platform
import runpy
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

BUILD = ("torch", "numpy", "processor", "prunefront")
"""What a build is made of: columns of every record. ``processor`` is the model of the CPU, or of the GPU if it was used."""

BASELINE_BUILD = "baseline_build"
"""The column that says in one line which build made the baseline that a network comes of."""

BUILD_COLUMNS = (*BUILD, BASELINE_BUILD)

NOT_RECORDED = "a build that is not recorded"
"""What is said of records that do not say theirs: those of version 0.1.0."""

Build = Mapping[str, str]


def build_text(build: Mapping[str, object] | None) -> str | None:
    """Return a build in one line; None for one that is not recorded."""
    if not build or not all(isinstance(build.get(name), str) for name in BUILD):
        return None
    return f"torch {build['torch']}, numpy {build['numpy']}, prunefront {build['prunefront']} on {build['processor']}"


def software_text(build: Mapping[str, object]) -> str:
    """Return the versions of a build in one line, without the processor."""
    return ", ".join(f"{name} {build[name]}" for name in BUILD if name != "processor")


@lru_cache(maxsize=1)
def cpu_model() -> str:
    """Return the model of this machine's CPU, as its maker names it, or its architecture where nobody says."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, model = line.partition(":")
            if name.strip().lower() == "model name" and model.strip():
                return " ".join(model.split())
    return platform.processor() or platform.machine() or "unknown"


@lru_cache(maxsize=1)
def torch_version() -> str:
    """Return what ``torch.__version__`` says, from torch's own file of it: its import takes 1.4 s of CPU."""
    found = find_spec("torch")
    for folder in [] if found is None else found.submodule_search_locations or []:
        with contextlib.suppress(OSError, KeyError):
            return str(runpy.run_path(str(Path(folder) / "version.py"))["__version__"])
    return version_of("torch")


def version_of(package: str) -> str:
    """Return the version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
