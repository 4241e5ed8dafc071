"""Optuna's samplers by name, each one file in ``shipped/``; a plugin files its own."""

from __future__ import annotations

from sweeps.samplers import shipped as shipped
from sweeps.samplers.registry import (
    COUNT,
    DEFAULT,
    FORMER_DEFAULT,
    SAMPLERS,
    SEEDS,
    ChoosesFrom,
    Known,
    Sampler,
    SaysWhatItExpects,
    Weighs,
    WeighsSeeds,
)

__all__ = [
    "COUNT",
    "DEFAULT",
    "FORMER_DEFAULT",
    "SAMPLERS",
    "SEEDS",
    "ChoosesFrom",
    "Known",
    "Sampler",
    "SaysWhatItExpects",
    "Weighs",
    "WeighsSeeds",
]
