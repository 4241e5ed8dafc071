"""Ours without one part each: what the part is worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import torch

from sweeps.samplers.front_gp import sampler
from sweeps.samplers.front_gp.encoding import Encoding, Points
from sweeps.samplers.front_gp.problem import Settings
from sweeps.samplers.front_gp.sampler import FrontGPSampler
from sweeps.samplers.shipped.front_gp import HELPS

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

WHOLE = Settings()


class _WithoutCosts(FrontGPSampler):
    """Costs are predicted like everything else."""

    def choose_from(
        self, candidates: Sequence[Mapping[str, Any]], distributions: Mapping[str, Any], known: object = None
    ) -> None:
        super().choose_from(candidates, distributions, None)


class _ArmsAlone(Encoding):
    """All categories are one: arms share nothing by having the same network or method."""

    def points(self, params: Sequence[Mapping[str, Any]]) -> Points:
        found = super().points(params)
        _, which = torch.unique(found.codes, dim=0, return_inverse=True)
        self.categories = self.categories[:1]
        return Points(which[:, None], found.places, found.present, found.partial)


class _WithoutSharing(FrontGPSampler):
    """Every arm for itself, beside what all arms have in common."""

    def _next(self, *given: Any) -> Any:
        with patch.object(sampler, "Encoding", _ArmsAlone):
            return super()._next(*given)


def _settings(seed: int, **changed: Any) -> BaseSampler:
    return FrontGPSampler(seed=seed, helps=HELPS, settings=Settings(**changed))


ABLATIONS: dict[str, Callable[[int], BaseSampler]] = {
    "ours, costs predicted": lambda seed: _WithoutCosts(seed=seed, helps=HELPS),
    "ours, arms alone": lambda seed: _WithoutSharing(seed=seed, helps=HELPS),
    "ours, no trends": lambda seed: _settings(seed, trends=False),
    "ours, linear scales": lambda seed: _settings(seed, linear=True),
    # as many draws in all, from one set of hyperparameters
    "ours, one set of hyperparameters": lambda seed: _settings(seed, chains=1, draws=WHOLE.chains * WHOLE.draws),
    "ours, no exploring of rare arms": lambda seed: _settings(seed, cover=10**9),
}
"""By the name that tables use."""
