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

from .gain import Box, count
from .kernel import F, Kernel, Pairs
from .problem import Floats, Problem, Settings
from .worth import Worth, learned_of

COVERED = 2
"""A combination of categories that was tried so often is no longer asked for because of that."""
MARGIN = 0.1
"""The corner of the box lies so much of an objective's range beyond the worst value that is expected."""


@dataclass(frozen=True)
class Outlook:
    """What is expected of going on.

    Attributes:
        remaining: per draw, the share of the hypervolume of all candidates that those told do not have yet.
        rows: candidates that were looked at closely: positions among all of the problem's.
        on_front: how often each of them is on the front of all.
        front: whether it is on the front of the means.
    """

    remaining: Floats
    rows: list[int]
    on_front: Floats
    front: NDArray[np.bool_]


def next_candidates(
    problem: Problem, kernel: Kernel, random: torch.Generator, settings: Settings, most: int = 1
) -> tuple[list[int], Outlook | None]:
    """Return the positions of the candidates to try next, and what is expected; None at first."""
    if not problem.told:
        return _most_informative(problem, kernel, random, settings, most), None
    model = learned_of(problem, kernel, settings)
    fronts, pool = _screened(problem, model, random, settings)
    rows = torch.cat([fronts, pool])
    worth, feasible = model.draw(rows, random)
    bits = _box(worth, random, settings).dominated(worth)
    bits[~feasible] = 0
    free, possible = ~np.bitwise_or.reduce(bits[:, : len(fronts)], axis=1), bits[:, len(fronts) :]
    luck = torch.rand(len(pool), dtype=F, generator=random).numpy()
    often = _often_on_front(worth, feasible)
    means = _often_on_front(worth.mean(0)[None], feasible.mean(0)[None] >= 0.5) > 0
    outlook = Outlook(_remaining(bits, fronts < problem.told), rows.tolist(), often, means)
    chosen: list[int] = []
    for place in range(min(most, len(pool))):
        gains = (count(possible & free[:, None, :]).sum(0) + 0.5 * luck) / _price(problem, pool)
        gains[chosen] = -1
        if (len(problem.tried) + place) % settings.cover == settings.cover - 1:
            gains[~_hardly_tried(problem, pool, [int(pool[one]) for one in chosen])] -= 1e12
        chosen.append(int(np.argmax(gains)))
        free &= ~possible[:, chosen[-1]]
    return [int(pool[one]) for one in chosen], outlook


def _price(problem: Problem, rows: torch.Tensor) -> Floats:
    return np.ones(len(rows)) if problem.price is None else problem.price[rows.numpy()]


def _remaining(bits: NDArray[np.uint64], told: torch.Tensor) -> Floats:
    """Return, per draw, the share of the volume of all candidates that the told ones, at the beginning, do not have."""
    whole = count(np.bitwise_or.reduce(bits, axis=1))
    there = count(np.bitwise_or.reduce(bits[:, : len(told)][:, told.numpy()], axis=1))
    return 1 - there / np.maximum(whole, 1)


def _hardly_tried(problem: Problem, pool: torch.Tensor, chosen: list[int]) -> NDArray[np.bool_]:
    """Return which of the pool may be explored: the beginning of an axis that helps where nobody was there, else `_rarest`.

    That the axis helps was assumed, and would never be put to the test otherwise.
    """
    tried = torch.cat([problem.tried, torch.tensor(chosen, dtype=torch.int64)])
    for d in problem.helps:
        first = problem.points.present[:, d] & (problem.points.places[:, d] == 0)
        if bool(first[pool].any()) and not bool(first[tried].any()):
            found: NDArray[np.bool_] = first[pool].numpy()
            return found
    return _rarest(problem, pool, chosen)


def _rarest(problem: Problem, pool: torch.Tensor, chosen: list[int]) -> NDArray[np.bool_]:
    """Return which of the pool are of a combination of categories that was tried least often, or twice already."""
    _, which = torch.unique(problem.points.codes, dim=0, return_inverse=True)
    tried = torch.bincount(which[problem.tried], minlength=int(which.max()) + 1)
    for one in chosen:
        tried[which[one]] += 1
    left = tried[which[pool]].clamp_max(COVERED)
    found: NDArray[np.bool_] = (left == left.min()).numpy()
    return found


def _most_informative(problem: Problem, kernel: Kernel, random: torch.Generator, settings: Settings, most: int) -> list[int]:
    """Return the candidates whose measurement leaves the least variance over all of them; nothing is told yet.

    The covariance depends on the hyperparameters, so it is an average over draws from their prior.
    """
    running, possible = torch.tensor(problem.running, dtype=torch.int64), problem.possible
    if len(possible) > settings.screened:
        possible = possible[torch.randperm(len(possible), generator=random)[: settings.screened].sort().values]
    chosen = torch.cat([running, possible])
    at = problem.points.take(chosen)
    theta = torch.randn(settings.chains * 2, kernel.size, dtype=F, generator=random)
    left = kernel.between(Pairs(at, at), theta)
    noise = kernel.noise(theta)
    known = list(range(len(running)))
    for place in range(len(running) + min(most, len(possible))):
        if place >= len(known):
            variance = torch.diagonal(left, dim1=1, dim2=2) + noise[:, None]
            explained = (left.square().mean(1) / variance).mean(0)
            explained /= torch.as_tensor(_price(problem, chosen))
            explained[known] = -1
            known.append(int(torch.argmax(explained)))
        row = known[place]
        left = left - left[:, :, row, None] * left[:, None, row, :] / (left[:, row, row] + noise)[:, None, None]
    return [int(chosen[row]) for row in known[len(running) :]]


def _gains(worth: Floats, feasible: NDArray[np.bool_], fronts: int, box: Box) -> Floats:
    """Return what each candidate behind the first ``fronts`` adds to them, as a share of the box."""
    bits = box.dominated(worth)
    bits[~feasible] = 0
    free = ~np.bitwise_or.reduce(bits[:, :fronts], axis=1)
    gains: Floats = count(bits[:, fronts:] & free[:, None, :]).sum(0) / (box.size * len(worth))
    return gains


def _box(worth: Floats, random: torch.Generator, settings: Settings) -> Box:
    """Return points between the worst and the best that draws ``(S, L, M)`` expect."""
    low, high = worth.min(1).mean(0), worth.max(1).mean(0)
    corner = low - MARGIN * (high - low)
    seed = int(torch.randint(2**31, (1,), generator=random))
    engine: Any = torch.quasirandom.SobolEngine
    places = engine(worth.shape[2], scramble=True, seed=seed).draw(settings.grid)
    return Box(corner + (high - corner) * places.to(F).numpy())


def _screened(
    problem: Problem, model: Worth, random: torch.Generator, settings: Settings
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return which told and running candidates, and which possible ones, are worth a close look.

    By draws of each candidate by itself: of those told, those that are most often on the front; of those possible, those
    with the highest gain and, a quarter, others at random.
    """
    tried, pool = problem.tried, problem.possible
    if len(tried) <= settings.fronts and len(pool) <= settings.screened:
        return tried, pool
    worth, feasible = model.draw(torch.cat([tried, pool]), random, jointly=False)
    fronts = tried
    if len(tried) > settings.fronts:
        often = _often_on_front(worth[::4, : problem.told], feasible[::4, : problem.told])
        kept = np.sort(np.argsort(-often, kind="stable")[: settings.fronts])
        fronts = torch.cat([torch.as_tensor(kept), tried[problem.told :]])
    if len(pool) > settings.screened:
        gains = _gains(worth, feasible, len(tried), _box(worth, random, settings)) / _price(problem, pool)
        order = torch.as_tensor(np.argsort(-gains, kind="stable"))
        best = settings.screened * 3 // 4
        others = order[best:][torch.randperm(len(order) - best, generator=random)[: settings.screened - best]]
        pool = pool[torch.cat([order[:best], others]).sort().values]
    return fronts, pool


def _often_on_front(worth: Floats, feasible: NDArray[np.bool_]) -> Floats:
    """Return in which share of the draws each candidate is dominated by no other."""
    found = np.zeros(worth.shape[1])
    for values, meets in zip(worth, feasible, strict=True):
        better = (values[None] >= values[:, None]).all(2) & (values[None] > values[:, None]).any(2) & meets[None]
        found += meets & ~better.any(1)
    return found / len(worth)
