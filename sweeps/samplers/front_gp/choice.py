"""Which of the candidates to try next: those that are expected to add most hypervolume to what was told.

What every objective is worth is drawn jointly over told, running and possible candidates, from processes with different
hyperparameters. In each draw the told and running candidates make a front; a candidate's gain is the volume that it adds to
that front, averaged over the draws (noisy expected hypervolume improvement, Daulton et al. 2021). The best one joins the
running ones, and so on. Volumes are counted over points of a box; its corner lies a tenth of each objective's range beyond
the worst that is to be expected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .encoding import Points
from .gain import Box, count
from .kernel import F, Kernel, Pairs
from .model import Posterior, Told, hyperparameters
from .scales import Scale

Floats = NDArray[np.float64]
COVERED = 2
"""A combination of categories that was tried so often is no longer asked for because of that."""
MARGIN = 0.1
"""The corner of the box lies so much of an objective's range beyond the worst value that is expected."""


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
        cover: every so many candidates, one is of a combination of categories that was hardly tried.
    """

    chains: int = 8
    steps: int = 10
    draws: int = 8
    grid: int = 2048
    screened: int = 160
    fronts: int = 96
    learned: int = 96
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


def next_candidates(
    problem: Problem, kernel: Kernel, random: torch.Generator, settings: Settings, count_: int = 1
) -> list[int]:
    """Return the positions, among the possible candidates, of those to try next, at most ``count_``."""
    tried = problem.told + problem.running
    if not problem.told:
        return _most_informative(problem, kernel, random, settings, count_)
    model = _Model(problem, kernel, random, settings)
    fronts, pool = model.screen()
    worth, feasible = model.worth(torch.cat([fronts, pool]))
    bits = model.box(worth).dominated(worth)
    bits[~feasible] = 0
    free, possible = ~np.bitwise_or.reduce(bits[:, : len(fronts)], axis=1), bits[:, len(fronts) :]
    luck = torch.rand(len(pool), dtype=F, generator=random).numpy()
    chosen: list[int] = []
    for place in range(min(count_, len(pool))):
        gains = count(possible & free[:, None, :]).sum(0) + 0.5 * luck
        gains[chosen] = -1
        if (tried + place) % settings.cover == settings.cover - 1:
            gains[~_rarest(problem, pool, [int(pool[one]) for one in chosen])] -= 1e12
        chosen.append(int(np.argmax(gains)))
        free &= ~possible[:, chosen[-1]]
    return [int(pool[one]) - problem.pool for one in chosen]


def _rarest(problem: Problem, pool: torch.Tensor, chosen: list[int]) -> NDArray[np.bool_]:
    """Return which of the pool are of a combination of categories that was tried least often, or twice already."""
    _, which = torch.unique(problem.points.codes, dim=0, return_inverse=True)
    tried = torch.bincount(which[: problem.pool], minlength=int(which.max()) + 1)
    for one in chosen:
        tried[which[one]] += 1
    left = tried[which[pool]].clamp_max(COVERED)
    found: NDArray[np.bool_] = (left == left.min()).numpy()
    return found


def _most_informative(
    problem: Problem, kernel: Kernel, random: torch.Generator, settings: Settings, count_: int
) -> list[int]:
    """Return the candidates whose measurement leaves the least variance over all of them; nothing is told yet.

    The covariance depends on the hyperparameters, so it is an average over draws from their prior.
    """
    chosen = torch.arange(problem.told, len(problem.points))
    if len(chosen) > settings.screened + problem.running:
        some = torch.randperm(len(chosen) - problem.running, generator=random)[: settings.screened].sort().values
        chosen = torch.cat([chosen[: problem.running], problem.pool + some])
    at = problem.points.take(chosen)
    theta = torch.randn(settings.chains * 2, kernel.size, dtype=F, generator=random)
    left = kernel.between(Pairs(at, at), theta)
    noise = kernel.noise(theta)
    known = list(range(problem.running))
    for place in range(problem.running + min(count_, len(at) - problem.running)):
        if place >= len(known):
            variance = torch.diagonal(left, dim1=1, dim2=2) + noise[:, None]
            explained = (left.square().mean(1) / variance).mean(0)
            explained[known] = -1
            known.append(int(torch.argmax(explained)))
        row = known[place]
        left = left - left[:, :, row, None] * left[:, None, row, :] / (left[:, row, row] + noise)[:, None, None]
    return [int(chosen[row]) - problem.pool for row in known[problem.running :]]


def _gains(worth: Floats, feasible: NDArray[np.bool_], fronts: int, box: Box) -> Floats:
    """Return what each candidate behind the first ``fronts`` adds to them, as a share of the box."""
    bits = box.dominated(worth)
    bits[~feasible] = 0
    free = ~np.bitwise_or.reduce(bits[:, :fronts], axis=1)
    gains: Floats = count(bits[:, fronts:] & free[:, None, :]).sum(0) / (box.size * len(worth))
    return gains


class _Model:
    """Draws of what candidates are worth.

    Args:
        problem: with at least one told candidate.
        kernel: over its points.
        random: every draw is made with it.
        settings: how much is computed.
    """

    def __init__(self, problem: Problem, kernel: Kernel, random: torch.Generator, settings: Settings) -> None:
        self._problem, self._random, self._settings = problem, random, settings
        self._signs = np.where(problem.largest, 1.0, -1.0)
        self._known = torch.as_tensor(np.concatenate([problem.known, problem.known_excess], axis=1), dtype=F)
        self._modelled = [m for m in range(self._known.shape[1]) if bool(torch.isnan(self._known[:, m]).any())]
        self._scales: list[Scale] = []
        self._posterior = self._learned(kernel) if self._modelled else None

    def _learned(self, kernel: Kernel) -> Posterior:
        problem, settings = self._problem, self._settings
        told = torch.as_tensor(np.concatenate([problem.values, problem.excess], axis=1), dtype=F)
        for m in self._modelled:
            limit = m >= len(problem.largest)
            self._scales.append(Scale.of(told[:, m], not limit and problem.largest[m], "linear" if limit else None))
        values = torch.stack([scale.forward(told[:, m]) for scale, m in zip(self._scales, self._modelled, strict=True)])
        both = [self._scatter(at) for at in range(len(values))]
        scatter, freedom = (torch.tensor(column, dtype=F) for column in zip(*both, strict=True))
        seeds = 1 if problem.replicates is None else problem.replicates.shape[1]
        every = torch.full((problem.told,), float(seeds), dtype=F)
        whole = Told(problem.points.take(torch.arange(problem.told)), values, every, scatter, freedom)
        some = whole
        if problem.told > settings.learned:
            some = whole.take(torch.randperm(problem.told, generator=self._random)[: settings.learned])
        theta, which = hyperparameters(kernel, some, settings.chains, settings.steps, self._random)
        return Posterior.of(kernel, whole, theta, which)

    def _scatter(self, at: int) -> tuple[float, float]:
        """Return the sum of squares between seeds on a modelled objective's scale, and its degrees of freedom.

        What a seed does to all candidates alike is taken out: it moves nobody against the others.
        """
        m, replicates = self._modelled[at], self._problem.replicates
        if replicates is None or m >= len(self._problem.largest):
            return 0.0, 0.0
        values = self._scales[at].forward(torch.as_tensor(replicates[:, :, m], dtype=F))
        left = values - values.mean(0) - values.mean(1, keepdim=True) + values.mean()
        return float(left.square().sum()), float((values.shape[0] - 1) * (values.shape[1] - 1))

    def worth(self, rows: torch.Tensor, *, jointly: bool = True) -> tuple[Floats, NDArray[np.bool_]]:
        """Return draws of the objectives ``(S, rows, M)``, all to be large, and whether all limits are met ``(S, rows)``."""
        samples, known = self._settings.chains * self._settings.draws, self._known[rows]
        found = known.expand(samples, -1, -1).clone()
        if self._posterior is not None:
            at = self._problem.points.take(rows)
            drawn = self._posterior.draws(at, self._settings.draws, self._random, jointly=jointly)
            drawn = drawn.reshape(len(self._modelled), samples, len(rows))
            for scale, m, each in zip(self._scales, self._modelled, drawn, strict=True):
                found[:, :, m] = torch.where(torch.isnan(known[:, m]), scale.back(each), known[:, m])
        values = found.numpy()
        feasible: NDArray[np.bool_] = np.all(values[:, :, len(self._signs) :] <= 0, axis=2)
        return values[:, :, : len(self._signs)] * self._signs, feasible

    def box(self, worth: Floats) -> Box:
        """Return points between the worst and the best that draws ``(S, L, M)`` expect."""
        low, high = worth.min(1).mean(0), worth.max(1).mean(0)
        corner = low - MARGIN * (high - low)
        seed = int(torch.randint(2**31, (1,), generator=self._random))
        engine: Any = torch.quasirandom.SobolEngine
        places = engine(worth.shape[2], scramble=True, seed=seed).draw(self._settings.grid)
        return Box(corner + (high - corner) * places.to(F).numpy())

    def screen(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return which told and running candidates, and which possible ones, are worth a close look.

        By draws of each candidate by itself: of those told, those that are most often on the front; of those possible, those
        with the highest gain and, a quarter, others at random.
        """
        problem, settings = self._problem, self._settings
        told, pool = torch.arange(problem.pool), torch.arange(problem.pool, len(problem.points))
        if len(told) <= settings.fronts and len(pool) <= settings.screened:
            return told, pool
        drawn = self.worth(torch.arange(len(problem.points)), jointly=False)
        if len(told) > settings.fronts:
            often = _often_on_front(drawn[0][:, : problem.told], drawn[1][:, : problem.told])
            kept = np.sort(np.argsort(-often, kind="stable")[: settings.fronts])
            told = torch.cat([torch.as_tensor(kept), torch.arange(problem.told, problem.pool)])
        if len(pool) > settings.screened:
            gains = _gains(*drawn, problem.pool, self.box(drawn[0]))
            order = torch.as_tensor(np.argsort(-gains, kind="stable"))
            best = settings.screened * 3 // 4
            others = order[best:][torch.randperm(len(order) - best, generator=self._random)[: settings.screened - best]]
            pool = problem.pool + torch.cat([order[:best], others]).sort().values
        return told, pool


def _often_on_front(worth: Floats, feasible: NDArray[np.bool_]) -> Floats:
    """Return in which share of the draws each candidate is dominated by no other."""
    found = np.zeros(worth.shape[1])
    for values, meets in zip(worth, feasible, strict=True):
        better = (values[None] >= values[:, None]).all(2) & (values[None] > values[:, None]).any(2) & meets[None]
        found += meets & ~better.any(1)
    return found / len(worth)
