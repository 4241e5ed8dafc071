"""``tpe``: tree-structured Parzen estimators over all parameters at once (Bergstra et al. 2011)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.samplers.registry import SAMPLERS

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

RANDOM_FIRST = 4
"""Candidates that are drawn at random before it learns; Optuna's own 10 are most of a short search."""


@SAMPLERS.register("tpe")
def tpe(seed: int) -> BaseSampler:
    """Return the sampler."""
    from optuna.samplers import TPESampler

    return TPESampler(seed=seed, n_startup_trials=RANDOM_FIRST, multivariate=True, group=True)
