"""Made-up grids on which the search's settings were chosen, so that they are not chosen on what they are judged by.

A made-up grid has networks, methods, ratios and budgets with the shapes that pruning has: accuracy holds until a method's
own ratio and falls to chance behind it, fine-tuning moves that ratio up, ECE is large between holding and chance, mPC
follows accuracy, parameters fall with the ratio. Every constant is drawn; seeds scatter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.search_truth import Truth, truth_of
from sweeps.plan.plan import make_plan
from sweeps.search.setup import space_of
from sweeps.search.space import Candidate
from sweeps.study.model import Study, load_study

METHODS = ("unstructured", "l1_filter", "random_filters", "random_weights")
RATIOS = ("[0.3, 0.5, 0.7, 0.9]", "[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]", "[0.25, 0.5, 0.75]", "[0.2, 0.4, 0.6, 0.8]")
BUDGETS = ("[0, 2]", "[0, 5, 10]", "[0, 1, 2, 4]", "[0, 40]")
SEEDS = (0, 1, 2)


def made_up(number: int) -> Truth:
    """Return one made-up grid, the same for the same number."""
    random = np.random.default_rng([20240617, number])
    study = _study(random)
    space = space_of(make_plan(study, data_required=False))
    networks = {label: (random.uniform(0.85, 0.99), 10 ** random.uniform(3.5, 5)) for label in study.networks}
    methods = {method: (random.uniform(0.25, 1.0), random.uniform(0.0, 0.6), random.uniform(0.9, 2.0)) for method in METHODS}
    pairs = {arm.arm: random.normal(0, 0.08) for arm in space.arms}
    recovery, scatter = random.uniform(0.05, 0.25), random.uniform(0.002, 0.02)
    told = {}
    for candidate in space.candidates():
        parts = dict(next(arm.parts for arm in space.arms if arm.arm == candidate.arm))
        truth = _measured(candidate, networks[parts["network"]], methods[parts["method"]], pairs[candidate.arm], recovery)
        noise = random.normal(0, scatter, (len(SEEDS), 3))
        told[candidate.key] = np.column_stack([np.clip(truth[:3] + noise, 0, 1), np.full(len(SEEDS), truth[3])])
    return truth_of(study, told, SEEDS)


def _study(random: np.random.Generator) -> Study:
    widths = (4, 8, 16)
    labels = ", ".join(
        f"net{place}: {{name: small_vgg, options: {{width: {widths[place]}}}}}"
        for place in range(int(random.integers(1, 4)))
    )
    methods = ", ".join(METHODS[: int(random.integers(2, 5))])
    return load_study(
        "quickstart",
        [
            f"networks={{{labels}}}",
            f"arms=[{{methods: [{methods}]}}]",
            f"ratios={RATIOS[int(random.integers(len(RATIOS)))]}",
            f"budgets={BUDGETS[int(random.integers(len(BUDGETS)))]}",
        ],
    )


def _measured(
    candidate: Candidate, network: tuple[float, float], method: tuple[float, float, float], pair: float, recovery: float
) -> NDArray[np.float64]:
    """Return accuracy, ECE, mPC and nonzero parameters without scatter."""
    (best, size), (holds, width, power) = network, method
    budget = candidate.budget or 0
    edge = min(0.98, holds + pair + recovery * np.log1p(budget))
    left = 1 / (1 + np.exp((float(candidate.ratio) - edge) / (0.03 + 0.1 * width)))
    accuracy = 0.1 + (best - 0.1) * left - (0.03 if budget == 0 else 0.0) * float(candidate.ratio)
    ece = 0.02 + 0.7 * left * (1 - left) + 0.3 * (1 - left) * (budget == 0)
    mpc = 0.1 + (accuracy - 0.1) * (0.9 - 0.2 * float(candidate.ratio) * width)
    return np.array([accuracy, ece, mpc, size * (1 - float(candidate.ratio)) ** power])
