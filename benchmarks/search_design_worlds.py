"""Grids that the default sampler is designed on; none of them is in the table that compares searchers.

``design-7`` is made up: what arms of one network or one method have in common is drawn anew for each grid, from hardly
anything to nearly all; some methods are plainly worse; between holding and chance seeds scatter more. ``NAME/accuracy+ece``
is a kept grid (benchmarks/worlds) searched for these objectives.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from benchmarks.pack_world import WORLDS
from benchmarks.search_cells import world_of
from benchmarks.search_surfaces import CHANCE, COST, RATIOS, Scores, cost
from benchmarks.search_truth import World, plan_of, read_world
from sweeps.search.asked import space_of
from sweeps.study.model import Study, load_study

GRIDS = ("quickstart", "design-networks")
"""Kept grids that are designed on."""
METHODS = ("unstructured", "l1_filter", "lamp", "fpgm", "random_filters", "random_weights")
WEIGHTS = {"unstructured", "lamp", "random_weights"}
BUDGETS = ("[0, 2]", "[0, 1, 2, 4]", "[0, 5, 10]", "[0, 1]")
OBJECTIVES = (
    {"accuracy": "max", "ece": "min", "mpc": "max", COST: "min"},
    {"accuracy": "max", "ece": "min", "mpc": "max", COST: "min"},
    {"accuracy": "max", "mpc": "max", COST: "min"},
    {"accuracy": "max", COST: "min"},
)
WIDTHS = (4, 8, 16)
SCORES = ("accuracy", "ece", "mpc")


@cache
def design_world(name: str) -> World:
    """Return a world by name."""
    kind, _, number = name.rpartition("-")
    if kind == "design" and number.isdigit():
        return _made_up(int(number))
    grid, _, objectives = name.partition("/")
    if not objectives:
        return world_of(name)
    world = read_world(WORLDS / grid)
    ways = {each: "max" if each in ("accuracy", "mpc") else "min" for each in objectives.split("+")}
    study = world.study.model_copy(update={"objectives": ways})
    return World(name, study, world.folder, world.table, world.unpruned)


def _study(random: np.random.Generator, name: str) -> Study:
    labels = ", ".join(
        f"net{place}: {{name: small_vgg, options: {{width: {WIDTHS[place]}}}}}" for place in range(random.integers(1, 4))
    )
    methods = random.permutation(METHODS)[: random.integers(2, 7 if labels.count("name") == 1 else 5)]
    objectives = ", ".join(f"{key}: {way}" for key, way in OBJECTIVES[random.integers(len(OBJECTIVES))].items())
    return load_study(
        "quickstart",
        [
            f"name={name}",
            f"networks={{{labels}}}",
            f"arms=[{{methods: [{', '.join(sorted(methods))}]}}]",
            f"ratios={RATIOS[random.integers(len(RATIOS))]}",
            f"budgets={BUDGETS[random.integers(len(BUDGETS))]}",
            f"objectives={{{objectives}}}",
        ],
    )


def _made_up(number: int) -> World:
    """Return one made-up grid, the same for the same number."""
    random = np.random.default_rng([20261128, number])
    study = _study(random, f"design-{number}")
    plan = plan_of(study, None)
    arms = {arm.name: arm for arm in plan.arms}
    own = float(np.exp(random.uniform(np.log(0.01), np.log(0.3))))
    scatter = float(np.exp(random.uniform(np.log(0.003), np.log(0.02))))
    shares = np.sqrt(random.dirichlet([1, 1, 1], 6))  # of network, method and arm, for each of six properties of an arm

    def effects(label: str) -> Scores:
        found: Scores = np.random.default_rng([number, *label.encode()]).normal(0, 1, 6)
        return found

    properties = {
        name: (shares * np.stack([effects(arm.network), effects(arm.method), effects(name)], axis=1)).sum(1)
        for name, arm in arms.items()
    }
    best = {label: float(random.uniform(0.8, 0.99)) for label in study.networks}
    recovery, holds = random.uniform(0.03, 0.3), random.uniform(0.4, 0.8)
    rows, index = [], []
    for candidate in space_of(plan).candidates():
        arm, traits = arms[candidate.arm], properties[candidate.arm]
        ratio, budget = float(candidate.ratio), candidate.budget or 0
        edge = holds + 0.2 * traits[0] - 0.25 * arm.method.startswith("random")
        edge += recovery * np.exp(0.4 * traits[1]) * np.log1p(budget)
        left = 1 / (1 + np.exp(np.clip((ratio - edge) / (0.08 * np.exp(0.5 * traits[2])), -30, 30)))
        error = 1 - best[arm.network] + 0.05 * np.exp(0.5 * traits[3]) * ratio / (1 + budget)
        accuracy = CHANCE + (1 - error - CHANCE) * left
        ece = (0.015 + 0.6 * left * (1 - left) + 0.25 * (1 - left) * (budget == 0)) * np.exp(0.4 * traits[4])
        robust = np.clip(0.75 + 0.08 * traits[5] - 0.2 * ratio, 0.2, 1)
        scores = np.array([accuracy, ece, CHANCE + (accuracy - CHANCE) * robust])
        scores = _moved(scores, own * random.normal(0, 1, 3))
        price = cost(WIDTHS[int(arm.network[3:])], "unstructured" if arm.method in WEIGHTS else "l1_filter", candidate.ratio)
        for seed in study.seeds:
            spread = scatter * (1 + 8 * left * (1 - left)) * np.array([1, 0.7, 1.3])
            trained = scores + spread * random.normal(0, 1, 3)
            row = {COST: price}
            for prefix in ("val_", ""):
                seen = np.clip(trained + 0.5 * spread * random.normal(0, 1, 3), 0.001, 1)
                row |= {f"{prefix}{score}": float(value) for score, value in zip(SCORES, seen, strict=True)}
                row[f"delta_{prefix}accuracy"] = float(seen[0]) - best[arm.network]
            rows.append(row)
            index.append((candidate.key, seed))
    table = pd.DataFrame(rows, index=pd.MultiIndex.from_tuples(index))
    return World(study.name, study, None, table, {COST: cost(WIDTHS[len(study.networks) - 1], "unstructured", "0")})


def _moved(scores: Scores, steps: Scores) -> Scores:
    """Return fractions moved by steps on a logit scale."""
    inside = np.clip(scores, 0.002, 0.998)
    found: Scores = 1 / (1 + np.exp(-(np.log(inside / (1 - inside)) + steps)))
    return found
