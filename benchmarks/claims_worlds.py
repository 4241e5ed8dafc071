"""Studies in which nothing differs, for `benchmarks.claims_null`: what seeds, images and counting do to numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from dashboards.analysis.claims import Paired
from dashboards.analysis.effects import contrasted_levels, cost_weights
from dashboards.analysis.trends import slope_weights
from sweeps.front.claim_levels import Place

Array = NDArray[np.float64]
METRICS = ("accuracy", "ece", "mpc")
ACCURACY, ECE, MPC = range(3)
BETTER = np.array([1.0, -1.0, 1.0])
SEED = np.array([0.004, 0.003, 0.008])
"""Standard deviation over seeds of what is a network's own, in the three metrics."""
IMAGES, RESAMPLES = 1000, 128
COMMON = 1.0
"""What a seed does to all networks, in the same unit."""


@dataclass(frozen=True)
class World:
    """What is simulated.

    Attributes:
        seeds: of the study.
        candidates: pruned ones.
        discrete: metrics that count images.
        skewed: exponential instead of normal.
        images: standard deviation of what images do to a network, alike for its seeds, in seed deviations; each seed's own
            is as large.
        spread: of the true values, in seed deviations.
    """

    seeds: int
    candidates: int
    discrete: bool = False
    skewed: bool = False
    images: float = 0.0
    spread: float = 0.0


@dataclass(frozen=True)
class Study:
    """The control (first row) and the candidates.

    Attributes:
        report: ``(C + 1, S, 3)`` numbers of the report images.
        selection: the same of the selection images.
        noise: ``(C + 1, S, 3, R)`` deviations of ``report`` on resampled images; None where it is not known.
        selection_noise: the same of ``selection``.
        true: ``(C + 1, 3)`` differences to the control.
    """

    report: Array
    selection: Array
    noise: Array | None
    selection_noise: Array | None
    true: Array

    @property
    def differences(self) -> Array:
        """To the control, ``(C, S, 3)``."""
        return self.report[1:] - self.report[0]

    @property
    def difference_noise(self) -> Array | None:
        """Of the differences."""
        return None if self.noise is None else self.noise[1:] - self.noise[0]


@dataclass(frozen=True)
class Said:
    """What one report claims.

    Attributes:
        false: whether a claim of any place is false where nothing differs.
        found: ``(C, 3)`` for which candidates a gain over the control is claimed.
        winners: the candidate, the metric, its difference to the control, and its own number where it was asked for.
    """

    false: bool
    found: NDArray[np.bool_]
    winners: Sequence[tuple[int, int, Paired, Paired | None]]


def simulate(stream: np.random.Generator, world: World) -> Study:
    """Draw one study."""
    shape = (world.candidates + 1, world.seeds, 3)
    true = world.spread * SEED * stream.normal(size=(shape[0], 1, 3))
    true = true - true[:1]
    if world.discrete:
        report, noise = _flips(stream, shape, world.images > 0)
        selection, other = _flips(stream, shape, world.images > 0)
        return Study(true + report, true + selection, noise, other, true[:, 0])
    luck = stream.exponential(size=shape) - 1.0 if world.skewed else stream.normal(size=shape)
    both = true + SEED * (luck + COMMON * stream.normal(size=(1, *shape[1:])))
    if not world.images:
        return Study(both, both, None, None, true[:, 0])
    moved = _moved(stream, shape, RESAMPLES + 1) * world.images * SEED[:, None]
    other = _moved(stream, shape, RESAMPLES + 1) * world.images * SEED[:, None]
    return Study(both + moved[..., 0], both + other[..., 0], moved[..., 1:], other[..., 1:], true[:, 0])


def _moved(stream: np.random.Generator, shape: tuple[int, int, int], draws: int) -> Array:
    common = stream.standard_normal((shape[0], 1, 3, draws), dtype=np.float32)
    return np.asarray(common + stream.standard_normal((*shape, draws), dtype=np.float32), dtype=float)


def _flips(stream: np.random.Generator, shape: tuple[int, int, int], resampled: bool) -> tuple[Array, Array | None]:
    """One or two images of 1,000 that a network gets otherwise than its baseline, and the same on resampled images."""
    there = np.stack([np.ones(shape), stream.integers(0, 2, shape)], axis=-1)
    signs = there * stream.choice([-1.0, 1.0], (*shape, 2))
    noise = None
    if resampled:  # how often an image is drawn is next to a Poisson number of mean 1
        noise = (signs[..., None] * (stream.poisson(1.0, (*shape, 2, RESAMPLES)) - 1.0)).sum(axis=-2) / IMAGES
    return signs.sum(axis=-1) / IMAGES, noise


def layout(candidates: int) -> tuple[int, int]:
    """Return into how many arms of how many ratios the candidates are divided."""
    arms = max(one for one in range(1, int(np.sqrt(candidates)) + 1) if candidates % one == 0)
    return arms, candidates // arms


def ratio_levels(ratios: int) -> Array:
    """Return the pruning ratios of every arm."""
    return np.arange(1, ratios + 1) / (ratios + 1)


Weights = list[tuple[Place, list[Array]]]


def contrasts(candidates: int) -> Weights:
    """Return the weights ``(G, C)`` of each family of contrasts, by place: methods and steps of ratio, slopes of arms."""
    arms, ratios = layout(candidates)
    methods, steps, levels = np.eye(arms), np.eye(ratios), ratio_levels(ratios)
    costs = -np.log1p(-levels)  # compressions, on a log scale
    at_cost = cost_weights(costs, costs[0], costs[-1])
    both = list(combinations(range(arms), 2)) if ratios > 1 else []
    pairs = [np.kron(methods[two] - methods[one], at_cost) for one, two in both]
    told = pairwise(contrasted_levels(np.arange(ratios)).tolist())
    apart = [np.kron(np.full(arms, 1 / arms), steps[two] - steps[one]) for one, two in told]
    slope = slope_weights(levels)
    slopes = [np.kron(one, slope) for one in methods] if slope is not None else []
    return [
        ("effects", [np.array(each) for each in (pairs, apart) if each]),
        ("trends", [np.array(slopes)] if slopes else []),
    ]
