"""Draws of what candidates are worth: what is known of them as it is, the rest by Gaussian processes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from .kernel import F, Kernel
from .model import Posterior, Told, hyperparameters
from .problem import Floats, Problem, Settings, trends_of
from .scales import Scale

FEW = 2
"""Sets of hyperparameters that are used where candidates are drawn one by one."""
LARGE = 150
"""Told candidates beyond which half as many sets of hyperparameters are drawn."""
EXACT = 1e6
"""So many seeds a value counts as that is known beforehand: no noise."""
AT_ONCE = 512
"""Candidates that are predicted at a time: their covariances stay within the processor's cache."""
KEPT = 2
"""How many of the last `Worth` are kept: asks between which nothing was told share one."""


@dataclass(frozen=True)
class _Learned:
    """Processes of some outputs that were told at the same points."""

    outputs: list[int]
    scales: list[Scale]
    posterior: Posterior


class Worth:
    """What was learned of objectives and limits: a function of what was told and of the candidates, and so of nothing drawn.

    Outputs are the objectives, then the amounts by which limits are missed. A limit on an objective is no output of its own.

    Args:
        problem: with at least one told candidate.
        kernel: over its points.
        settings: how much is computed.
    """

    def __init__(self, problem: Problem, kernel: Kernel, settings: Settings) -> None:
        # every proposal until something else is told shares what is learned here: it hangs on no number of an ask
        trends = trends_of(problem.points, problem.known, problem.largest, problem.helps) if settings.trends else None
        points = replace(problem.points, trends=trends)
        self._problem = problem = replace(problem, running=(), points=points)
        self._kernel, self._settings = kernel, settings
        self._learns = torch.Generator().manual_seed(int.from_bytes(problem.content[:7], "big"))
        # with many told the posterior of the hyperparameters is narrow: fewer of them, and more draws of each
        large = problem.told > LARGE
        self._chains = settings.chains // 2 if large else settings.chains
        self._draws = settings.draws * 2 if large else settings.draws
        self._signs = np.where(problem.largest, 1.0, -1.0)
        self._told = torch.as_tensor(np.concatenate([problem.values, problem.excess], axis=1), dtype=F)
        self._known = torch.as_tensor(np.concatenate([problem.known, problem.known_excess], axis=1), dtype=F)
        self._follows = _following(problem)
        unknown = torch.isnan(self._known)
        outputs = [m for m in range(self._known.shape[1]) if bool(unknown[:, m].any()) and m not in self._follows]
        partly = [m for m in outputs if not bool(unknown[:, m].all())]
        groups = [[m for m in outputs if m not in partly], *([m] for m in partly)]
        self._learned = [self._learn(group) for group in groups if group]

    def _learn(self, outputs: list[int]) -> _Learned:
        problem, settings, linear = self._problem, self._settings, self._settings.linear
        rows, measured = torch.arange(problem.told), self._told[:, outputs]
        seeds = torch.as_tensor(problem.measurements, dtype=F)
        known = torch.nonzero(~torch.isnan(self._known[:, outputs[0]]))[:, 0]
        known = known[known >= problem.told]
        if len(known):  # the same cost of other candidates, known beforehand
            known = known[torch.randperm(len(known), generator=self._learns)[: settings.beforehand]].sort().values
            rows, measured = torch.cat([rows, known]), torch.cat([measured, self._known[known][:, outputs]])
            seeds = torch.cat([seeds, torch.full((len(known),), EXACT, dtype=F)])
        objectives = [m < len(problem.largest) for m in outputs]
        scales = [
            Scale.of(measured[:, at], objective and problem.largest[m], None if objective and not linear else "linear")
            for at, (m, objective) in enumerate(zip(outputs, objectives, strict=True))
        ]
        values = torch.stack([scale.forward(measured[:, at]) for at, scale in enumerate(scales)])
        both = [self._scatter(m, scale) for m, scale in zip(outputs, scales, strict=True)]
        scatter, freedom = (torch.tensor(column, dtype=F) for column in zip(*both, strict=True))
        # a limit is missed by less where it is kept better; a cost that is known of some says of itself what it is
        ways = [
            0.0 if len(known) else self._signs[m] if objective else -1.0
            for m, objective in zip(outputs, objectives, strict=True)
        ]
        whole = some = Told(problem.points.take(rows), values, seeds, scatter, freedom, torch.tensor(ways, dtype=F))
        if len(rows) > settings.learned:
            some = whole.take(torch.randperm(len(rows), generator=self._learns)[: settings.learned])
        steps = settings.steps if self._chains == settings.chains else settings.steps // 2
        theta, which = hyperparameters(self._kernel, some, self._chains, steps, self._learns)
        return _Learned(outputs, scales, Posterior.of(self._kernel, whole, theta, which))

    def _scatter(self, output: int, scale: Scale) -> tuple[float, float]:
        """Return the sum of squares between seeds on an objective's scale, and its degrees of freedom.

        What a seed does to all candidates alike is taken out: it moves nobody against the others.
        """
        replicates = self._problem.replicates
        if replicates is None or output >= len(self._problem.largest):
            return 0.0, 0.0
        values = scale.forward(torch.as_tensor(replicates[:, :, output], dtype=F))
        left = values - values.mean(0) - values.mean(1, keepdim=True) + values.mean()
        return float(left.square().sum()), float((values.shape[0] - 1) * (values.shape[1] - 1))

    def draw(self, rows: torch.Tensor, random: torch.Generator, *, jointly: bool = True) -> tuple[Floats, NDArray[np.bool_]]:
        """Return draws of the objectives ``(S, rows, M)``, all to be large, and whether all limits are met ``(S, rows)``.

        Args:
            rows: which candidates.
            random: the draws are made with it.
            jointly: the candidates of one draw belong to one world; otherwise each is drawn by itself, which is quick.
        """
        chains = self._chains if jointly else min(self._chains, FEW)
        samples, known = chains * self._draws, self._known[rows]
        found = known.expand(samples, -1, -1).clone()
        at = self._problem.points.take(rows)
        for place, learned in enumerate(self._learned):
            if jointly:
                drawn = learned.posterior.draws(at, self._draws, random)
            else:
                mean, deviation = (each[:, None, rows] for each in self._one_by_one[place])
                drawn = mean + deviation * torch.randn(len(mean), self._draws, len(rows), dtype=F, generator=random)
            drawn = drawn.reshape(len(learned.outputs), samples, len(rows))
            for scale, m, each in zip(learned.scales, learned.outputs, drawn, strict=True):
                found[:, :, m] = torch.where(torch.isnan(known[:, m]), scale.back(each), known[:, m])
        for output, (m, factor, shift) in self._follows.items():
            found[:, :, output] = factor * found[:, :, m] + shift
        values = found.numpy()
        feasible: NDArray[np.bool_] = np.all(values[:, :, len(self._signs) :] <= 0, axis=2)
        return values[:, :, : len(self._signs)] * self._signs, feasible

    @property
    def objectives(self) -> int:
        """How many objectives there are."""
        return len(self._signs)

    def uncertainty(self, rows: torch.Tensor) -> Iterator[tuple[int, Floats, float]]:
        """Yield of each output that is learned the variance of what candidates are worth ``(rows,)``, and of the noise.

        On the output's scale, over all sets of hyperparameters; the noise is that of one seed.
        """
        at = self._problem.points.take(rows)
        for learned in self._learned:
            posterior, outputs = learned.posterior, len(learned.outputs)
            means, variances = (each.reshape(outputs, -1, len(rows)) for each in posterior.marginal(at))
            total = (variances.mean(1) + means.var(1, correction=0)).numpy()
            noise = (posterior.kernel.noise(posterior.theta) * posterior.rate / (posterior.shape - 1)).reshape(outputs, -1)
            for place, output in enumerate(learned.outputs):
                yield output, total[place], float(noise[place].mean())

    @cached_property
    def _one_by_one(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Means and standard deviations of all candidates, each by itself, of every process."""
        found, every = [], len(self._problem.points)
        for learned in self._learned:
            few = learned.posterior.few(FEW)
            parts = [
                few.marginal(self._problem.points.take(torch.arange(start, min(start + AT_ONCE, every))))
                for start in range(0, every, AT_ONCE)
            ]
            found.append((torch.cat([each[0] for each in parts], 1), torch.cat([each[1] for each in parts], 1).sqrt()))
        return found


_KEPT: OrderedDict[tuple[bytes, Kernel, Settings], Worth] = OrderedDict()


def learned_of(problem: Problem, kernel: Kernel, settings: Settings) -> Worth:
    """Return what is learned from what was told; kept for the next ask, which mostly wants the same."""
    key = (problem.content, kernel, settings)
    if key not in _KEPT:
        _KEPT[key] = Worth(problem, kernel, settings)
    _KEPT.move_to_end(key)
    while len(_KEPT) > KEPT:
        _KEPT.popitem(last=False)
    return _KEPT[key]


def _following(problem: Problem) -> dict[int, tuple[int, float, float]]:
    """Return the limits that are about an objective: output -> (objective, factor 1 or -1, shift)."""
    found: dict[int, tuple[int, float, float]] = {}
    for q in range(problem.excess.shape[1]):
        for m in range(problem.values.shape[1]):
            for factor in (1.0, -1.0):
                shift = problem.excess[:, q] - factor * problem.values[:, m]
                size = 1e-9 * (1 + np.abs(problem.values[:, m]).max())
                if problem.told > 1 and np.ptp(shift) <= size and np.ptp(problem.values[:, m]) > size:
                    found[problem.values.shape[1] + q] = (m, factor, float(shift.mean()))
    return found
