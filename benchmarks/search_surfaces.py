"""Made-up grids: smooth ones, on which settings may be chosen, and rough ones that break what a model would assume.

A grid has networks, methods, ratios and budgets with the shapes that pruning has: accuracy holds until a method's own
ratio and falls to chance behind it, fine-tuning moves that ratio up, ECE is large between holding and chance, mPC follows
accuracy. Costs are those of the networks, built and pruned as they are. Every other constant is drawn; seeds and images
scatter.

Rough grids have the same axes and the same costs, but
- ``unrelated``: every arm has curves of its own, with a dip anywhere, and fine-tuning may harm;
- ``noise``: no structure at all, every candidate is drawn for itself;
- ``scatter``: the smooth shapes under as much scatter between seeds as there is signal;
- ``cliffs``: one in six candidates diverges, at random, for all seeds, and one in ten trials gives no number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.search_truth import World, plan_of
from prune_core.complexity import complexity
from prune_core.networks import build_network
from prune_core.pruning import prune
from sweeps.plan.arms import Arm
from sweeps.search.asked import space_of
from sweeps.search.space import Candidate
from sweeps.study.model import Study, load_study

Rough = Literal["unrelated", "noise", "scatter", "cliffs"]
ROUGH: tuple[Rough, ...] = get_args(Rough)

METHODS = ("unstructured", "l1_filter", "random_filters", "random_weights")
RATIOS = ("[0.3, 0.5, 0.7, 0.9]", "[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]", "[0.25, 0.5, 0.75]", "[0.2, 0.4, 0.6, 0.8]")
BUDGETS = ("[0, 2]", "[0, 5, 10]", "[0, 1, 2, 4]", "[0, 40]")
WIDTHS = (4, 8, 16)
CHANCE = 0.1
COST = "nonzero_parameters"
SCORES = ("accuracy", "ece", "mpc")
DIVERGED = np.array([CHANCE, 0.8, CHANCE])
DIVERGES, LOST, SCATTERED = 1 / 6, 1 / 10, 10
Scores = NDArray[np.float64]
Surface = Callable[[Candidate], Scores]


def made_up(number: int, rough: Rough | None = None) -> World:
    """Return one made-up grid, the same for the same number and kind."""
    random = np.random.default_rng([20240617, number])
    study = _study(random, f"{rough or 'smooth'}-{number}")
    plan = plan_of(study, None)
    arms = {arm.name: arm for arm in plan.arms}
    best = {label: float(random.uniform(0.85, 0.99)) for label in study.networks}
    scatter = float(random.uniform(0.002, 0.02)) * (SCATTERED if rough == "scatter" else 1)
    surface = {"unrelated": _unrelated, "noise": _noise}.get(str(rough), _smooth)(random, plan.arms, best)
    frames = []
    for candidate in space_of(plan).candidates():
        arm = arms[candidate.arm]
        scores = DIVERGED if rough == "cliffs" and random.random() < DIVERGES else surface(candidate)
        price = cost(study.networks[arm.network].options["width"], arm.method, candidate.ratio)
        table = _measured(random, study.seeds, scores, best[arm.network], scatter).assign(**{COST: price})
        if rough == "cliffs":
            table[random.random(len(table)) < LOST] = np.nan
        frames.append(table.set_axis(pd.MultiIndex.from_product([[candidate.key], study.seeds]), axis=0))
    widest = max(int(network.options["width"]) for network in study.networks.values())
    return World(study.name, study, None, pd.concat(frames), {COST: cost(widest, METHODS[0], "0")})


def _study(random: np.random.Generator, name: str) -> Study:
    labels = ", ".join(
        f"net{place}: {{name: small_vgg, options: {{width: {WIDTHS[place]}}}}}"
        for place in range(int(random.integers(1, 4)))
    )
    methods = ", ".join(METHODS[: int(random.integers(2, 5))])
    return load_study(
        "quickstart",
        [
            f"name={name}",
            f"networks={{{labels}}}",
            f"arms=[{{methods: [{methods}]}}]",
            f"ratios={RATIOS[int(random.integers(len(RATIOS)))]}",
            f"budgets={BUDGETS[int(random.integers(len(BUDGETS)))]}",
        ],
    )


def _smooth(random: np.random.Generator, arms: Sequence[Arm], best: Mapping[str, float]) -> Surface:
    """Return the shapes that pruning has; arms of one network or one method resemble each other."""
    parts = {arm.name: (arm.network, arm.method) for arm in arms}
    methods = {method: (random.uniform(0.25, 1.0), random.uniform(0.0, 0.6)) for method in METHODS}
    pairs = {arm.name: random.normal(0, 0.08) for arm in arms}
    recovery = random.uniform(0.05, 0.25)

    def surface(candidate: Candidate) -> Scores:
        network, method = parts[candidate.arm]
        ratio, budget = float(candidate.ratio), candidate.budget or 0
        holds, width = methods[method]
        edge = min(0.98, holds + pairs[candidate.arm] + recovery * np.log1p(budget))
        left = 1 / (1 + np.exp((ratio - edge) / (0.03 + 0.1 * width)))
        accuracy = CHANCE + (best[network] - CHANCE) * left - (0.03 if budget == 0 else 0.0) * ratio
        ece = 0.02 + 0.7 * left * (1 - left) + 0.3 * (1 - left) * (budget == 0)
        return np.array([accuracy, ece, CHANCE + (accuracy - CHANCE) * (0.9 - 0.2 * ratio * width)])

    return surface


def _unrelated(random: np.random.Generator, arms: Sequence[Arm], best: Mapping[str, float]) -> Surface:
    """Return shapes of which each arm has its own: a dip at any ratio, and fine-tuning that helps or harms."""
    networks = {arm.name: arm.network for arm in arms}
    dips = {arm.name: (random.uniform(0, 1, 3), random.uniform(0.02, 0.2), random.normal(0, 0.1, 3)) for arm in arms}

    def surface(candidate: Candidate) -> Scores:
        ratio, budget = float(candidate.ratio), candidate.budget or 0
        where, width, tuned = dips[candidate.arm]
        dip = np.exp(-(((ratio - where) / width) ** 2))
        good = np.clip(1 - dip + tuned * np.log1p(budget), 0, 1)
        return np.array([CHANCE + (best[networks[candidate.arm]] - CHANCE) * good[0], 0.02 + 0.6 * (1 - good[1]), good[2]])

    return surface


def _noise(random: np.random.Generator, arms: Sequence[Arm], best: Mapping[str, float]) -> Surface:
    """Return no shape at all: what one candidate measures says nothing about another."""
    return lambda candidate: random.uniform(0, 1, len(SCORES))


def _measured(
    random: np.random.Generator, seeds: Sequence[int], scores: Scores, best: float, scatter: float
) -> pd.DataFrame:
    """Return what each seed measures on selection and on report images: seeds scatter, and so do images, half as much."""
    by_seed = scores + random.normal(0, scatter, (len(seeds), len(SCORES)))
    columns: dict[str, Scores] = {}
    for prefix in ("val_", ""):
        seen = np.clip(by_seed + random.normal(0, scatter / 2, by_seed.shape), 0, 1)
        columns |= {f"{prefix}{name}": seen[:, place] for place, name in enumerate(SCORES)}
        columns[f"delta_{prefix}accuracy"] = seen[:, 0] - best
    return pd.DataFrame(columns)


@lru_cache(maxsize=1024)
def cost(width: int, method: str, ratio: str) -> float:
    """Return how many parameters are left of a network when it is pruned; they depend on no weight's value."""
    network = build_network("small_vgg", num_classes=10, in_channels=1, width=width)
    return float(complexity(prune(network, method, ratio), (1, 28, 28)).nonzero_parameters)
