"""``nsga2``: the elitist genetic algorithm NSGA-II (Deb et al. 2002)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.samplers.registry import SAMPLERS

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


@SAMPLERS.register("nsga2")
def nsga2(seed: int) -> BaseSampler:
    """Return the sampler."""
    from optuna.samplers import NSGAIISampler

    return NSGAIISampler(seed=seed, population_size=20)
