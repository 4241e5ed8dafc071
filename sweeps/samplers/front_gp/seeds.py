"""What measuring a candidate is worth: what the front of what is known is expected to gain, by told and by new candidates.

The front of what is known is that of the posterior means of the candidates that were told. One more measurement moves the
mean of its candidate, by how much is not known before: the hypervolume of that front, averaged over what may come out, less
what it is now, is the measurement's worth (the knowledge gradient, Frazier, Powell and Dayanik 2009, with the hypervolume as
in Daulton, Balandat and Bakshy 2023). The same is said of a candidate that is new. What a measurement says about other
candidates is left out.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from .choice import _box, _screened
from .gain import count
from .kernel import Kernel
from .problem import Floats, Problem, Settings
from .worth import Worth, learned_of

TIMES = 3
"""How often as many draws are made as for a proposal."""


def measurement_worth(
    problem: Problem, kernel: Kernel, random: torch.Generator, settings: Settings, seeds: int
) -> tuple[Floats, Floats]:
    """Return what one more seed of each told candidate is worth ``(N,)``, and each new candidate, the best first ``(P,)``.

    In shares of the box of what is expected. A told candidate that is not looked at closely has 0; P is at most
    ``settings.screened``.

    Args:
        problem: with at least one told candidate, none running.
        kernel: over its points.
        random: what is drawn is drawn with it.
        settings: how much is computed.
        seeds: with how many a new candidate is measured.
    """
    model = learned_of(problem, kernel, settings)
    fronts, pool = _screened(problem, model, random, settings)
    rows = torch.cat([fronts, pool])
    drawn = [model.draw(rows, random) for _ in range(TIMES)]
    worth, feasible = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    means, told = worth.mean(0), len(fronts)
    repeats = np.where(np.arange(len(rows)) < told, 1, seeds)
    after = means + steadiness(model, rows, repeats) * (worth - means)
    # as high as any mean may come: what is cut off there would be missing from the gains and not from the losses
    box = _box(np.stack([worth.min(1).mean(0), after.max((0, 1))])[None], random, settings)
    now = box.dominated(means[:told])
    now[feasible[:, :told].mean(0) < 0.5] = 0
    everything = np.bitwise_or.reduce(now, axis=0)
    found = np.zeros(problem.told)
    for place, row in enumerate(fronts.tolist()):
        others = np.bitwise_or.reduce(np.delete(now, place, axis=0), axis=0) if told > 1 else np.zeros_like(everything)
        then = box.dominated(after[:, place])
        then[~feasible[:, place]] = 0
        found[row] = (count(others | then).mean() - count(everything)) / box.size
    bits = box.dominated(after[:, told:])
    bits[~feasible[:, told:]] = 0
    gains = count(bits & ~everything).mean(0) / box.size
    return found, np.sort(gains)[::-1]


def steadiness(model: Worth, rows: torch.Tensor, repeats: NDArray[np.int_]) -> Floats:
    """Return by which share of its uncertainty each mean will move ``(rows, M)``, in [0, 1].

    With variance V of what a candidate is worth and noise variance s of the mean of the new measurements, its mean moves
    with the standard deviation V / sqrt(V + s): the square root of V / (V + s) of its own.

    Args:
        model: what was learned.
        rows: which candidates.
        repeats: ``(rows,)``, how many measurements each gets.
    """
    found = np.ones((len(rows), model.objectives))
    for output, variance, noise in model.uncertainty(rows):
        if output < model.objectives:
            found[:, output] = np.sqrt(variance / (variance + noise / repeats))
    return found
