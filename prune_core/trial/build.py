"""The build that computes here, and whether a baseline of another one may be used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prune_core.base.build import NOT_RECORDED, build_text, cpu_model, torch_version, version_of
from prune_core.base.errors import BadInput
from prune_core.base.store import read_meta

if TYPE_CHECKING:
    import torch

MADE_BY = "build"
"""The key in what the store knows of an entry (``made``): the build that made it."""

MIXED = ("allow", "refuse")
"""What a study may say about builds beside each other."""


def this_build(device: str | torch.device) -> dict[str, str]:
    """Return the build that computes on a device of this machine: values by the names of `BUILD`."""
    return {
        "torch": torch_version(),
        "numpy": np.__version__,
        "processor": _processor(device),
        "prunefront": version_of("prunefront"),
    }


def _processor(device: str | torch.device) -> str:
    if str(device).partition(":")[0] != "cuda":
        return cpu_model()

    import torch  # 1.4 s of CPU: who asks about the CPU need not wait for it

    return torch.cuda.get_device_name(device) if torch.cuda.is_available() else cpu_model()


def made_by(entry: Path) -> dict[str, Any] | None:
    """Return the build that made an entry of the store; None where it does not say, or is damaged."""
    try:
        made = read_meta(entry).get("made")
    except (OSError, ValueError):
        return None
    found = made.get(MADE_BY) if isinstance(made, dict) else None
    return found if isinstance(found, dict) else None


def require_build(what: str, found: Mapping[str, Any] | None, here: Mapping[str, str], mixed: str) -> None:
    """Check that something of another build may be used.

    Raises:
        BadInput: it may not.
    """
    if mixed == "refuse" and (found is None or dict(found) != dict(here)):
        raise BadInput(
            f"{what} was made by {build_text(found) or NOT_RECORDED}, this is {build_text(here)}, and the study says "
            "resources.mixed_builds: refuse (allowed: the same build, or allow)"
        )
