"""Where numbers come from: versions, machine, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

PACKAGES = ("prunefront", "torch", "torchvision", "ray", "optuna", "mlflow", "pandas", "numpy", "scipy")


def provenance() -> dict[str, object]:
    """Return versions, the kind of machine and the git commit of the code, as plain data; no names, no paths."""
    return {
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores",
        "commit": _commit(),
    }


def installed() -> dict[str, str]:
    """Return the version of every installed package, by name."""
    found = {str(each.metadata["Name"]): each.version for each in distributions() if each.metadata["Name"]}
    return dict(sorted(found.items(), key=lambda pair: pair[0].lower()))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Return the commit of the code, with ``+`` where it was changed since; None outside a checkout."""
    here = Path(__file__).resolve().parent
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True, timeout=10)  # noqa: S607
        changed = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],  # noqa: S607
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")
