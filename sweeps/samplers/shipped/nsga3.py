"""``nsga3``: NSGA-III, NSGA-II with reference points for many objectives (Deb and Jain 2014)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.samplers.registry import SAMPLERS

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


@SAMPLERS.register("nsga3")
def nsga3(seed: int) -> BaseSampler:
    """Return the sampler."""
    from optuna.samplers import NSGAIIISampler

    return NSGAIIISampler(seed=seed, population_size=20)
