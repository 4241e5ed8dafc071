"""How many trials run at once on this machine: by its cores, its GPUs, or as the study says."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweeps.study.running_sections import ResourcesSection

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores() -> int:
    """Return the cores that this process may use: a batch system's mask and a container's quota count, at least 1."""
    try:
        masked = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        masked = os.cpu_count() or 1
    return max(1, min(masked, _quota(_QUOTA) or masked))


def _quota(path: Path) -> int | None:
    """The whole cores of a cgroup's quota, such as ``200000 100000``, or None for no quota."""
    try:
        allowed, period = path.read_text(encoding="ascii").split()
        return max(1, int(int(allowed) / int(period)))
    except (OSError, ValueError, ZeroDivisionError):
        return None


def visible_gpus() -> int:
    """Return the GPUs that torch sees here."""
    import torch

    return torch.cuda.device_count()


def memory_fraction(share: float) -> float | None:
    """Return the share of a GPU's memory that a trial may use, as Ray's fraction is only bookkeeping; None is all of it."""
    return share if 0 < share < 1 else None


def places(resources: ResourcesSection, measured: float | None = None) -> int:
    """Return how many trials this machine runs at once, at least 1.

    ``max_concurrent`` wins over the cores; a GPU never holds more trials than its fractions allow. Where there is no GPU
    (a plan made elsewhere), one is assumed.

    Args:
        resources: of the study.
        measured: the share of a GPU that a trial gets, where it was measured.
    """
    fit = resources.max_concurrent or math.floor(usable_cores() / resources.cpus_per_trial + 1e-9)
    share = resources.share if measured is None else measured
    if share:
        gpus = visible_gpus() or 1
        # Ray places fractions within one GPU: two trials of 0.4 fit on each, not five on two
        fit = min(fit, gpus * math.floor(1 / share + 1e-9) if share <= 1 else math.floor(gpus / share))
    return max(1, fit)
