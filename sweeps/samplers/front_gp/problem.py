"""What is known when something is to be chosen, and how much may be computed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
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
        cover: every so many candidates, one is of a combination of categories, or of a place, that was hardly tried.
        linear: objectives are modelled as they are, without logit and logarithm.
        trends: objectives are expected to get better with what they cost, and along the axes that help.
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
    linear: bool = False
    trends: bool = True


def trends_of(points: Points, known: Floats, largest: tuple[bool, ...], helps: tuple[int, ...]) -> torch.Tensor:
    """Return ``(L, 2)`` how dear candidates are known to be, and how far along the axes that help; each has a mean of 0.

    Args:
        points: the L candidates.
        known: ``(L, M)``, objectives that are known beforehand, NaN elsewhere; costs are compared on a log scale.
        largest: per objective, whether it is to be large; what is worse in what is known is dearer.
        helps: numeric axes along which objectives are expected to get better.
    """
    costs = [
        _standardised(np.log(column) if (column[np.isfinite(column)] > 0).all() else column) * (-1 if large else 1)
        for column, large in zip(known.T, largest, strict=True)
        if np.isfinite(column).any()
    ]
    axes = [_standardised(np.where(points.present[:, d].numpy(), points.places[:, d].numpy(), np.nan)) for d in helps]
    nothing = np.zeros(len(points))
    return torch.as_tensor(np.stack([np.mean(each or [nothing], axis=0) for each in (costs, axes)], axis=1))


def _standardised(values: Floats) -> Floats:
    """Return values with mean 0 and standard deviation 1; NaN and what does not vary as 0."""
    there = np.isfinite(values)
    spread = values[there].std() if there.any() else 0.0
    found: Floats = np.where(there, values - values[there].mean(), 0) / spread if spread > 1e-9 else np.zeros(len(values))
    return found


@dataclass(frozen=True)
class Problem:
    """What is known when something is to be chosen.

    There are L candidates: N told ones, then all others in the order of their parameters.

    Attributes:
        points: the L candidates.
        values: ``(N, M)``, what was measured.
        largest: per objective, whether it is to be large.
        running: positions of the candidates that are running.
        known: ``(L, M)``, values that are known beforehand, NaN elsewhere.
        excess: ``(N, Q)``, by how much each limit was missed; 0 or less meets it.
        known_excess: ``(L, Q)``, the same where it is known beforehand, NaN elsewhere.
        replicates: ``(N, S, M)``, the measurements of each seed where several are known; S is 1 otherwise.
        price: ``(L,)``, above 0, what trying each costs; None: all the same.
        helps: numeric axes along which objectives are expected to get better.
        counts: of how many measurements each told value is the mean; None: of those in ``replicates``.
    """

    points: Points
    values: Floats
    largest: tuple[bool, ...]
    running: tuple[int, ...]
    known: Floats
    excess: Floats
    known_excess: Floats
    replicates: Floats | None = None
    price: Floats | None = None
    helps: tuple[int, ...] = ()
    counts: tuple[int, ...] | None = None

    @property
    def told(self) -> int:
        """How many candidates were told."""
        return len(self.values)

    @property
    def measurements(self) -> Floats:
        """``(N,)``, of how many measurements each told value is the mean."""
        if self.counts is not None:
            return np.array(self.counts, dtype=float)
        return np.full(self.told, 1.0 if self.replicates is None else float(self.replicates.shape[1]))

    @cached_property
    def tried(self) -> torch.Tensor:
        """Positions of the told and running candidates."""
        return torch.cat([torch.arange(self.told), torch.tensor(self.running, dtype=torch.int64)])

    @cached_property
    def possible(self) -> torch.Tensor:
        """Positions of the candidates that may be tried."""
        others = torch.ones(len(self.points), dtype=torch.bool)
        others[self.tried] = False
        return torch.nonzero(others)[:, 0]

    @cached_property
    def content(self) -> bytes:
        """A digest of what there is to learn from: neither which candidates are running nor what they cost to try."""
        parts: list[Any] = [
            self.values,
            self.known,
            self.excess,
            self.known_excess,
            np.array(self.largest),
            np.array(self.helps),
        ]
        parts += [each.numpy() for each in (self.points.codes, self.points.places, self.points.present)]
        parts += [] if self.replicates is None else [self.replicates]
        parts += [] if self.counts is None else [np.array(self.counts)]
        found = hashlib.sha256()
        for part in parts:
            found.update(repr(part.shape).encode() + np.ascontiguousarray(part).tobytes())
        return found.digest()
