"""``random``: uniformly at random: what every other sampler has to beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.samplers.registry import SAMPLERS

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


@SAMPLERS.register("random")
def random(seed: int) -> BaseSampler:
    """Return the sampler."""
    from optuna.samplers import RandomSampler

    return RandomSampler(seed=seed)
