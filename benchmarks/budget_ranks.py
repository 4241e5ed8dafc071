"""Does a short budget tell which candidates are good at the long one? What early stopping rests on.

Usage: python -m benchmarks.budget_ranks RUN_DIR [--keep 0.5]

For each network and objective the rank correlation (Spearman, over candidates, means over seeds) between each budget and the
longest one; then what a stop at that budget would cost: how much of the longest budget's front, and of its hypervolume, is
left when only candidates with a good non-dominated rank go on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from benchmarks.search_truth import Truth, World, read_world
from sweeps.front.front import non_dominated
from sweeps.search.space import Candidate
from sweeps.search.stopping_rule import goes_on

DRAWS = 200
"""How often as many candidates are chosen by chance."""

Ways = list[tuple[str, str]]
"""(arm, ratio) of each candidate that was judged at every budget."""


def selected(world: World) -> Truth:
    """Return the numbers that a study decides by, as means over all its seeds."""
    return Truth(world.means(world.study.decisive, world.seeds), tuple(world.study.decisive.values()))


def judged(truth: Truth) -> dict[tuple[str, str], set[int | None]]:
    """Return the budgets at which each (arm, ratio) was judged."""
    found: dict[tuple[str, str], set[int | None]] = {}
    for candidate in map(Candidate.from_key, truth.means.index):
        found.setdefault((candidate.arm, candidate.ratio), set()).add(candidate.budget)
    return found


def at_budget(truth: Truth, ways: Ways, budget: int) -> NDArray[np.float64]:
    """Return the means over seeds at one budget, ``(N, M)``."""
    return truth.means.loc[[Candidate(arm, ratio, budget).key for arm, ratio in ways]].to_numpy()


def correlations(truth: Truth, ways: Ways, budget: int, longest: int) -> list[float]:
    """Return Spearman's correlation between two budgets, per objective; NaN where an objective does not vary."""
    short, long = at_budget(truth, ways, budget), at_budget(truth, ways, longest)
    return [
        float("nan")
        if np.ptp(short[:, i]) == 0 or np.ptp(long[:, i]) == 0
        else float(spearmanr(short[:, i], long[:, i]).statistic)
        for i in range(short.shape[1])
    ]


def cost_of_stopping(truth: Truth, ways: Ways, budget: int, longest: int, keep: float) -> list[str]:
    """Return how many go on, what that keeps of the longest budget's front and hypervolume, and what chance would keep."""
    going = goes_on(at_budget(truth, ways, budget), truth.directions, keep)
    front = non_dominated(at_budget(truth, ways, longest), truth.directions)
    keys = np.array([Candidate(arm, ratio, longest).key for arm, ratio in ways])
    whole, random = truth.volume(keys), np.random.default_rng(0)
    by_chance = [truth.volume(random.choice(keys, going.sum(), replace=False)) / whole for _ in range(DRAWS)]
    return [
        f"{going.sum()} of {len(ways)}",
        f"{(front & going).sum()} of {front.sum()}",
        f"{front.sum() * going.mean():.1f}",
        f"{truth.volume(keys[going]) / whole:.3f}",
        f"{np.mean(by_chance):.3f}",
    ]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN_DIR", help="output folder of a finished grid of several budgets")
    parser.add_argument("--keep", type=float, nargs="+", default=[0.25, 0.5, 0.75], help="shares that go on")
    arguments = parser.parse_args()
    world = read_world(arguments.run)
    study, truth = world.study, selected(world)
    *shorter, longest = study.budgets
    ways = [(arm, ratio) for (arm, ratio), budgets in judged(truth).items() if budgets == set(study.budgets)]
    objectives = list(study.decisive)
    print(f"study {study.name}: {len(ways)} candidates, {len(study.seeds)} seeds, longest budget {longest}\n")
    print("| network | budget | " + " | ".join(objectives) + " |\n|---|---:|" + "---:|" * len(objectives))
    groups = [("all", ways)]
    groups += [(label, [way for way in ways if way[0].startswith(f"{label}-")]) for label in study.networks]
    for label, own in groups:
        for budget in shorter:
            found = correlations(truth, own, budget, longest)
            print(f"| {label} | {budget} | " + " | ".join(f"{value:.2f}" for value in found) + " |")
    print("\n| stop at | asked to go on | go on | front kept | by chance | hypervolume kept | by chance |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for budget in shorter:
        for keep in arguments.keep:
            print(f"| {budget} | {keep:.0%} | {' | '.join(cost_of_stopping(truth, ways, budget, longest, keep))} |")


if __name__ == "__main__":
    main()
