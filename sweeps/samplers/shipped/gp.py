"""``gp``: Bayesian optimisation with Gaussian processes, as Optuna implements it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.samplers.registry import SAMPLERS

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


@SAMPLERS.register("gp")
def gp(seed: int) -> BaseSampler:
    """Return the sampler."""
    from optuna.samplers import GPSampler

    return GPSampler(seed=seed)
