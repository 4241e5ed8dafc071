"""One Gaussian process per objective, over what candidates share, averaged over its hyperparameters.

A candidate's value is a constant, plus a curve that all candidates share, one for each value of each categorical axis (a
network, a method), one for each combination of them (an arm), and something of its own. A curve is smooth in the numeric
axes (ratio, budget). How much each part matters, how smooth curves are, and how noisy a measurement is, is not known:
draws of all of that from its posterior are kept side by side instead of the best guess.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch

from .encoding import Points
from .kernel import LEVEL, F, Kernel, Pairs

JITTER = 1e-8
STARTS = 64
"""Draws from the prior that chains are started from."""
SHRINKS = 10
"""How often a step is shortened before it is left out."""
SHAPE, RATE = 2.0, 2.0
"""Inverse-gamma prior of the variance of a standardised objective."""


@dataclass(frozen=True)
class Told:
    """What was measured of M objectives.

    Attributes:
        points: N points.
        values: ``(M, N)``, standardised.
        seeds: ``(N,)``, how many seeds each value is the mean of.
        scatter: ``(M,)``, sum of squares within candidates, over seeds, what all candidates of a seed share taken out.
        freedom: ``(M,)``, its degrees of freedom.
        better: ``(M,)``, 1 where better is larger, -1 where it is smaller, 0 where no trend is expected of it.
    """

    points: Points
    values: torch.Tensor
    seeds: torch.Tensor
    scatter: torch.Tensor
    freedom: torch.Tensor
    better: torch.Tensor

    @cached_property
    def pairs(self) -> Pairs:
        """Of the points with each other."""
        return Pairs(self.points, self.points)

    def take(self, rows: torch.Tensor) -> Told:
        """Return some of it."""
        some = self.points.take(rows), self.values[:, rows], self.seeds[rows]
        return Told(*some, self.scatter, self.freedom, self.better)


def covariance(kernel: Kernel, told: Told, theta: torch.Tensor) -> torch.Tensor:
    """Return the covariance of what was measured, ``(H, N, N)``."""
    found = kernel.between(told.pairs, theta)
    torch.diagonal(found, dim1=1, dim2=2).add_(kernel.noise(theta)[:, None] / told.seeds + JITTER)
    return found


def residuals(kernel: Kernel, told: Told, theta: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
    """Return what was measured without its mean, ``(H, N)``."""
    return told.values[which] - kernel.mean(told.points, theta, told.better[which])


def evidence(kernel: Kernel, told: Told, theta: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
    """Return the log marginal likelihoods ``(H,)``, the overall variance integrated out.

    Args:
        kernel: the covariance.
        told: what was measured.
        theta: ``(H, size)``.
        which: ``(H,)``, the objective that each of them is of.
    """
    factor, _ = torch.linalg.cholesky_ex(covariance(kernel, told, theta))
    white = torch.linalg.solve_triangular(factor, residuals(kernel, told, theta, which)[:, :, None], upper=False)
    noise = kernel.noise(theta)
    rate = RATE + 0.5 * white.square().sum((1, 2)) + 0.5 * told.scatter[which] / noise
    shape = SHAPE + 0.5 * (len(told.seeds) + told.freedom[which])
    volume = torch.log(torch.diagonal(factor, dim1=1, dim2=2)).sum(1) + 0.5 * told.freedom[which] * torch.log(noise)
    return torch.nan_to_num(-shape * torch.log(rate) - volume, nan=-math.inf)


def hyperparameters(
    kernel: Kernel, told: Told, chains: int, steps: int, random: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return draws from the posterior of the hyperparameters ``(M * chains, size)``, and the objective of each.

    Resampled from the prior, then moved by elliptical slice sampling (Murray, Adams and MacKay 2010), all chains at once.
    """
    objectives = len(told.values)
    which = torch.arange(objectives).repeat_interleave(chains)
    start = torch.randn(STARTS, kernel.size, dtype=F, generator=random)
    start[0] = 0
    theta = []
    for m in range(objectives):
        height = evidence(kernel, told, start, torch.full((STARTS,), m))
        shares = torch.softmax(height, 0) + 1e-12
        theta.append(start[torch.multinomial(shares, chains, replacement=True, generator=random)])
    found = torch.cat(theta)
    height = evidence(kernel, told, found, which)
    for _ in range(steps):
        found, height = _slice(kernel, told, found, height, which, random)
    return found, which


def _slice(
    kernel: Kernel, told: Told, theta: torch.Tensor, height: torch.Tensor, which: torch.Tensor, random: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the chains after one step of elliptical slice sampling."""
    count = len(theta)
    other = torch.randn(theta.shape, dtype=F, generator=random)
    level = height + torch.log(torch.rand(count, dtype=F, generator=random))
    angle = 2 * math.pi * torch.rand(count, dtype=F, generator=random)
    low, high = angle - 2 * math.pi, angle.clone()
    found, found_height = theta.clone(), height.clone()
    rows = torch.arange(count)
    for _ in range(SHRINKS):
        tried = theta[rows] * torch.cos(angle[rows])[:, None] + other[rows] * torch.sin(angle[rows])[:, None]
        reached = evidence(kernel, told, tried, which[rows])
        good = reached > level[rows]
        found[rows[good]], found_height[rows[good]] = tried[good], reached[good]
        rows = rows[~good]
        if not len(rows):
            break
        low[rows] = torch.where(angle[rows] < 0, angle[rows], low[rows])
        high[rows] = torch.where(angle[rows] < 0, high[rows], angle[rows])
        angle[rows] = low[rows] + (high[rows] - low[rows]) * torch.rand(len(rows), dtype=F, generator=random)
    return found, found_height


@dataclass(frozen=True)
class Posterior:
    """The processes of M objectives given what was told, for H vectors of hyperparameters each.

    Attributes:
        theta: ``(M * H, size)``.
        which: ``(M * H,)``, the objective that each of them is of.
        factor: ``(M * H, N, N)``, Cholesky factors of the covariance of what was told.
        weights: ``(M * H, N)``, its inverse times the values.
        shape: ``(M * H,)``, of the inverse-gamma posterior of the overall variance.
        rate: ``(M * H,)``, likewise.
    """

    kernel: Kernel
    told: Told
    theta: torch.Tensor
    which: torch.Tensor
    factor: torch.Tensor
    weights: torch.Tensor
    shape: torch.Tensor
    rate: torch.Tensor

    @staticmethod
    def of(kernel: Kernel, told: Told, theta: torch.Tensor, which: torch.Tensor) -> Posterior:
        """Return the posterior."""
        factor = torch.linalg.cholesky(covariance(kernel, told, theta))
        values = residuals(kernel, told, theta, which)
        weights = torch.cholesky_solve(values[:, :, None], factor)[:, :, 0]
        rate = RATE + 0.5 * (weights * values).sum(1) + 0.5 * told.scatter[which] / kernel.noise(theta)
        shape = SHAPE + 0.5 * (len(told.seeds) + told.freedom[which])
        return Posterior(kernel, told, theta, which, factor, weights, shape, rate)

    def few(self, each: int) -> Posterior:
        """Return the same with the first ``each`` vectors of hyperparameters per objective."""
        objectives = len(self.told.values)
        chains = len(self.theta) // objectives
        rows = torch.cat([torch.arange(m * chains, m * chains + min(each, chains)) for m in range(objectives)])
        every = (self.theta, self.which, self.factor, self.weights, self.shape, self.rate)
        return Posterior(self.kernel, self.told, *(part[rows] for part in every))

    def _given(self, at: Points) -> tuple[torch.Tensor, torch.Tensor]:
        cross = self.kernel.between(Pairs(self.told.points, at), self.theta)
        mean = (self.weights[:, None, :] @ cross)[:, 0] + self.kernel.mean(at, self.theta, self.told.better[self.which])
        return mean, torch.linalg.solve_triangular(self.factor, cross, upper=False)

    def marginal(self, at: Points) -> tuple[torch.Tensor, torch.Tensor]:
        """Return means and variances ``(M * H, A)`` of the values, without noise."""
        mean, white = self._given(at)
        scale = self.rate / (self.shape - 1)
        return mean, (1.0 + LEVEL - white.square().sum(1)).clamp_min(1e-10) * scale[:, None]

    def draws(self, at: Points, each: int, random: torch.Generator) -> torch.Tensor:
        """Return joint draws of the values, ``(M * H, each, A)``, without noise."""
        mean, white = self._given(at)
        left = self.kernel.between(Pairs(at, at), self.theta) - white.transpose(1, 2) @ white
        torch.diagonal(left, dim1=1, dim2=2).add_(1e-7)
        root, trouble = torch.linalg.cholesky_ex(left)
        if bool(trouble.any()):
            root = torch.linalg.cholesky(left + 1e-5 * torch.eye(len(at), dtype=F))
        gamma = torch._standard_gamma(self.shape[:, None].expand(-1, each).contiguous(), generator=random)
        scale = torch.sqrt(self.rate[:, None] / gamma)
        normal = torch.randn(len(self.theta), len(at), each, dtype=F, generator=random)
        found: torch.Tensor = (mean[:, :, None] + (root @ normal) * scale[:, None, :]).transpose(1, 2)
        return found
