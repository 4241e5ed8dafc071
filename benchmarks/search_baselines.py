"""Searchers that others offer and that the product does not ship: for comparison only."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

from benchmarks.search_ablations import ABLATIONS
from sweeps.samplers import SAMPLERS

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

RANDOM_FIRST = 10
"""Candidates at random before BoTorch's sampler learns: Optuna's own setting."""


def botorch(seed: int) -> BaseSampler:
    """Return BoTorch as Optuna integrates it, by noisy expected hypervolume improvement for any number of objectives.

    Left to itself it takes another acquisition function above three objectives.

    Raises:
        BadInput: the package is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from optuna_integration import BoTorchSampler
        from optuna_integration.botorch import qnehvi_candidates_func

        return BoTorchSampler(candidates_func=qnehvi_candidates_func, n_startup_trials=RANDOM_FIRST, seed=seed)


@contextmanager
def with_baselines() -> Iterator[None]:
    """Let studies name these searchers as samplers, for a while."""
    with patch.dict(SAMPLERS._entries, {"botorch": botorch, **ABLATIONS}):
        yield
