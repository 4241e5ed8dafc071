"""How far each metric of a record moves when the base images are drawn again: small enough to keep with every record.

Logits may be thinned; what is left of them here is, for each metric, how it changes in each of `RESAMPLES` bootstrap
samples of the base images. The samples are the same for every network judged on the same images, so that the difference
of two networks, or the mean over seeds, has the differences, or the means, of these numbers. Imports no torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from prune_core.base.files import write_atomically
from prune_core.base.npz import NPZ_ERRORS
from prune_core.evaluation.logits import LogitSet
from prune_core.evaluation.uncertainty import resample

RESAMPLES = 128
"""Bootstrap samples: a standard error taken from them is itself off by 6 % (one standard deviation)."""
COLUMNS = ("accuracy", "ece", "nll", "brier", "mpc", "rpc", "corruption_ece")
"""Metrics that are kept, of the report images and, as ``val_*``, of the selection images."""


def image_noise(*, selection: LogitSet | None, report: LogitSet | None, bins: int) -> npt.NDArray[Any]:
    """Return ``(RESAMPLES,)`` with a float32 field per column: the metric on the resampled images minus the metric.

    Of an ECE, a sum of absolute gaps that noise only adds to, it is the linear part: the noise while no gap changes sign.

    Raises:
        BadInput: fewer than two images.
        Diverged: a logit is not finite.
    """
    found: dict[str, npt.NDArray[Any]] = {}
    for before, logits in (("", report), ("val_", selection)):
        if logits is None or len(logits.labels) < 2:
            continue
        drawn = resample(logits, bins, RESAMPLES)
        found |= {before + name: values - value for name, (value, values) in drawn.means.items() if name in COLUMNS}
        found |= {before + name: sums.linear for name, sums in drawn.gaps.items() if name in COLUMNS}
    table = np.zeros(RESAMPLES, dtype=[(name, "<f4") for name in found])
    for name, values in found.items():
        table[name] = values
    return table


def write_image_noise(path: Path, noise: npt.NDArray[Any]) -> None:
    """Write what `image_noise` returned, atomically."""

    def write(temporary: Path) -> None:
        with temporary.open("wb") as stream:
            np.save(stream, noise, allow_pickle=False)

    write_atomically(path, write)


def read_image_noise(path: Path) -> npt.NDArray[Any] | None:
    """Return what `write_image_noise` wrote; None where there is nothing that can be read."""
    try:
        noise = np.load(path, allow_pickle=False)
    except (*NPZ_ERRORS, MemoryError):
        return None
    if not isinstance(noise, np.ndarray) or not noise.dtype.names or noise.shape != (RESAMPLES,):
        return None
    return noise
