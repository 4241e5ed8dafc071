"""The covariance of two candidates: what they share, and how near they are on the numeric axes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from .encoding import Points

F = torch.float64
NOISE = 0.03
"""Variance of one measurement, relative to that of the values: its median a priori."""
OWN = -2.5
"""What the logarithm of the weight of a candidate's own part is shifted by, against the other parts."""
SURE, APART = 1.0, 6.0
"""A hypothesis holds where its hyperparameter is above the first (one in six a priori); its part's log weight then rises by
the second, so that hardly anything else counts."""
SLOPES, SPREADS = (0.4, 0.8), (0.4, 0.6)
"""How much better a value gets, in its standard deviations, with one of the known cost and one of the axes that help: means
and standard deviations a priori, where trends hold."""
TRENDLESS = 0.5
"""There are no such trends where another hyperparameter is above this (three in ten a priori)."""
LEVEL = 1.0
"""Prior variance of the constant, relative to that of everything else."""


class Pairs:
    """What the covariances of two lists of points depend on, beside the hyperparameters.

    Curves are computed between the different places on the numeric axes, of which there are few, and looked up for points.

    Args:
        a: A points.
        b: B points.
    """

    def __init__(self, a: Points, b: Points) -> None:
        self.size = (len(a), len(b))
        left, of_left = _different(a)
        right, of_right = _different(b)
        self.left, self.right = left.places, right.places
        self.shape = (len(left), len(right))
        self.index = (of_left[:, None] * len(right) + of_right[None, :]).reshape(-1)
        self.both: list[torch.Tensor | None] = []
        self.rest: list[torch.Tensor | None] = []
        for d in range(left.places.shape[1]):
            one, other = left.present[:, None, d], right.present[None, :, d]
            # of the problem, not of these points: else covariances between several parts of it would not fit together
            partly = a.partial[d] or b.partial[d]
            # half of the covariance remains between points of which one lacks the axis
            self.both.append(torch.where(one & other, 0.5, 0.0).to(F) if partly else None)
            self.rest.append(torch.where(one == other, torch.where(one, 0.5, 1.0), 0.5).to(F) if partly else None)
        equal = [a.codes[:, None, c] == b.codes[None, :, c] for c in range(a.codes.shape[1])]
        every = torch.ones(self.size, dtype=torch.bool)
        for one_axis in equal:
            every &= one_axis
        # points that both lack an axis share nothing by that; the part is then one of their own combination
        same = [each & ((a.codes[:, None, c] >= 0) | every) for c, each in enumerate(equal)]
        same = [torch.ones(self.size, dtype=torch.bool), *same, *([every] if len(equal) > 1 else [])]
        self.shared = torch.stack(same).to(F).reshape(len(same), -1)
        alike = (left.places[:, None] == right.places[None]).all(2) & (left.present[:, None] == right.present[None]).all(2)
        self.equal = torch.nonzero(every.reshape(-1) & alike.reshape(-1)[self.index])[:, 0]


def _different(points: Points) -> tuple[Points, torch.Tensor]:
    """Return points that differ on the numeric axes, and which of them each point is."""
    both = torch.cat([points.places, points.present.to(F)], 1)
    if not both.shape[1]:
        return points.take(torch.zeros(1, dtype=torch.int64)), torch.zeros(len(points), dtype=torch.int64)
    found, index = torch.unique(both, dim=0, return_inverse=True)
    half = points.places.shape[1]
    return Points(points.codes[: len(found)], found[:, :half], found[:, half:] > 0, points.partial), index


@dataclass(frozen=True)
class Kernel:
    """The covariance between points, given C categorical and D numeric axes.

    The hyperparameters are a vector of standard normal numbers a priori: per numeric axis a length and a warp, one weight
    per part, whether candidates are unrelated, whether combinations of categories are, the share of a part that does not
    depend on the numeric axes, whether there are trends, how much a value gets better with the
    known cost and along the axes that help, and the noise.
    """

    categorical: int
    numeric: int

    @property
    def parts(self) -> int:
        """How many parts a value has.

        A common one, one per categorical axis, one for all of them together where there are several, the effects of the
        numeric axes one by one where there are several, and the candidate's own.
        """
        return 2 + self.categorical + (self.categorical > 1) + (self.numeric > 1)

    @property
    def size(self) -> int:
        """How many hyperparameters there are."""
        return 2 * self.numeric + self.parts + 7

    def unpack(self, theta: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return lengths, warps ``(H, D)``, weights ``(H, parts)`` that sum to 1, static share and noise ``(H,)``."""
        d, p = self.numeric, self.parts
        lengths = 0.7 * torch.exp(0.6 * theta[:, :d])
        warps = torch.exp(0.4 * theta[:, d : 2 * d])
        middle = torch.zeros(p, dtype=F)
        middle[-1] = OWN
        logits = middle + theta[:, 2 * d : 2 * d + p]
        # that nothing is related, or no two arms, is a hypothesis of its own: small steps would never lead there
        logits[:, -1] += APART * torch.sigmoid(8 * (theta[:, 2 * d + p] - SURE))
        if self.categorical > 1:
            logits[:, 1 + self.categorical] += APART / 2 * torch.sigmoid(8 * (theta[:, 2 * d + p + 1] - SURE))
        weights = torch.softmax(logits, 1)
        static = torch.sigmoid(-0.5 + 1.2 * theta[:, 2 * d + p + 2])
        noise = self.noise(theta)
        return lengths, warps, weights, static, noise

    def between(self, pairs: Pairs, theta: torch.Tensor) -> torch.Tensor:
        """Return the covariances ``(H, A, B)`` for H vectors of hyperparameters, constant included, without the noise."""
        lengths, warps, weights, static, _ = self.unpack(theta)
        smooth, alone = None, torch.zeros((), dtype=F)
        for d in range(self.numeric):
            left, right = (torch.pow(each[:, d], warps[:, d, None]) for each in (pairs.left, pairs.right))
            scale = math.sqrt(5) / lengths[:, d, None]
            away = ((left * scale)[:, :, None] - (right * scale)[:, None, :]).abs()
            matern = (1 + away + away.square() / 3) * torch.exp(-away)
            both, rest = pairs.both[d], pairs.rest[d]
            if both is not None and rest is not None:
                matern = matern * both + rest
            smooth = matern if smooth is None else smooth * matern
            alone = alone + matern / self.numeric
        several = int(self.numeric > 1)
        found = weights[:, : -1 - several] @ pairs.shared
        if smooth is not None:
            curve = static[:, None, None] + (1 - static[:, None, None]) * smooth
            found *= torch.index_select(curve.reshape(len(theta), -1), 1, pairs.index)
        if several:
            found += weights[:, -2:-1] * torch.index_select(alone.reshape(len(theta), -1), 1, pairs.index)
        found[:, pairs.equal] += weights[:, -1:]
        return found.reshape(len(theta), *pairs.size) + LEVEL

    def mean(self, points: Points, theta: torch.Tensor, better: torch.Tensor) -> torch.Tensor:
        """Return the means ``(H, N)``: what is dearer, or further along an axis that helps, is better.

        Args:
            points: N points.
            theta: ``(H, size)``.
            better: ``(H,)``, 1 where better is larger, -1 where it is smaller, 0 where neither says anything.
        """
        if points.trends is None:
            return torch.zeros(len(theta), len(points), dtype=F)
        slopes = torch.tensor(SLOPES, dtype=F) + torch.tensor(SPREADS, dtype=F) * theta[:, -3:-1]
        slopes = slopes * torch.sigmoid(8 * (TRENDLESS - theta[:, -4:-3]))
        return better[:, None] * (slopes @ points.trends.T)

    def noise(self, theta: torch.Tensor) -> torch.Tensor:
        """Return the variance of a measurement of one seed, relative to that of the values, ``(H,)``."""
        return NOISE * torch.exp(1.3 * theta[:, -1])
