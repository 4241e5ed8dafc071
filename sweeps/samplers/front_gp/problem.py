"""What is known when something is to be chosen, and how much may be computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .encoding import Points

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """How much is computed.

    Attributes:
        chains: sets of hyperparameters per objective.
        steps: of each chain.
        draws: of the values, per set.
        grid: points of the box over which volumes are counted; a multiple of 64.
        screened: candidates of the pool that are looked at closely.
        fronts: told candidates that are looked at closely.
        learned: told candidates that the hyperparameters are learned from, at most.
        beforehand: candidates whose known cost teaches what the unknown costs of others are, at most.
        cover: every so many candidates, one is of a combination of categories that was hardly tried.
    """

    chains: int = 8
    steps: int = 10
    draws: int = 8
    grid: int = 2048
    screened: int = 160
    fronts: int = 96
    learned: int = 96
    beforehand: int = 48
    cover: int = 4


@dataclass(frozen=True)
class Problem:
    """What is known when something is to be chosen; L candidates: N told ones, then running ones, then possible ones.

    Attributes:
        points: the L candidates.
        values: ``(N, M)``, what was measured.
        largest: per objective, whether it is to be large.
        running: how many candidates are running.
        known: ``(L, M)``, values that are known beforehand, NaN elsewhere.
        excess: ``(N, Q)``, by how much each limit was missed; 0 or less meets it.
        known_excess: ``(L, Q)``, the same where it is known beforehand, NaN elsewhere.
        replicates: ``(N, S, M)``, the measurements of each seed where several are known; S is 1 otherwise.
    """

    points: Points
    values: Floats
    largest: tuple[bool, ...]
    running: int
    known: Floats
    excess: Floats
    known_excess: Floats
    replicates: Floats | None = None

    @property
    def told(self) -> int:
        """How many candidates were told."""
        return len(self.values)

    @property
    def pool(self) -> int:
        """Where the possible candidates begin."""
        return self.told + self.running
