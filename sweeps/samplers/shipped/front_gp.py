"""``front_gp``: our own, made for spaces of networks, methods, ratios and budgets (`sweeps.samplers.front_gp`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.samplers import front_gp as package
from sweeps.samplers.registry import SAMPLERS, SEEDS

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


HELPS = ("budget",)
"""Axes along which scores are expected to get better."""


@SAMPLERS.register("front_gp")
def front_gp(seed: int) -> BaseSampler:
    """Return the sampler."""
    sampler: BaseSampler = package.FrontGPSampler(seed=seed, replicates=SEEDS, helps=HELPS)
    return sampler
