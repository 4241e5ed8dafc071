"""``ranks``: of a batch the best non-dominated ranks go on, whole ranks, until a share is reached."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prune_core.base.errors import BadInput
from sweeps.stopping_rules.rule import STOPPING_RULES, Decision, Standing, StoppingRule


@dataclass(frozen=True, kw_only=True)
class RanksOptions:
    """``keep``: the share of the candidates that goes on at each budget, in (0, 1)."""

    keep: float

    def __post_init__(self) -> None:
        if isinstance(self.keep, bool) or not isinstance(self.keep, int | float) or not 0 < self.keep < 1:
            raise BadInput(f"keep is {self.keep!r} (allowed: numbers greater than 0 and less than 1)")


def last_rank(found: NDArray[np.int_], keep: float) -> int:
    """Return the worst rank that goes on: whole ranks, the best first, until the share ``keep`` in (0, 1] is reached."""
    wanted = math.ceil(keep * len(found) - 1e-9)
    return next(rank for rank in range(1, int(found.max()) + 1) if (found <= rank).sum() >= wanted)


def best_ranks(standing: Standing, options: RanksOptions) -> list[Decision]:
    """Return who goes on; points of equal rank share their fate, so it may be more than the share."""
    found = standing.ranks
    allowed = last_rank(found, options.keep)
    return [
        None
        if rank <= allowed
        else f"non-dominated rank {rank} of {found.max()} among {len(found)} candidates, ranks up to {allowed} go on "
        f"(early_stopping {options.keep:g})"
        for rank in found
    ]


STOPPING_RULES.register("ranks")(StoppingRule(best_ranks, RanksOptions, "non-dominated sorting, Deb et al. 2002"))
