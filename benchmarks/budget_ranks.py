"""Does a short budget tell which candidates are good at the long one? What early stopping rests on.

Usage: python -m benchmarks.budget_ranks RUN_DIR [--keep 0.5] [--below 0.05] [--batch 8]

For each network and objective the rank correlation (Spearman, over candidates, means over seeds) between each budget and the
longest one; then what a stop at that budget would cost: how much of the longest budget's front, and of its hypervolume, is
left when only candidates with a good non-dominated rank go on. Last the product's rules from the first budget to the last,
``ranks`` and ``front_chance``, over the whole grid at once and in batches in random order.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from benchmarks.search_truth import Truth, World, plan_of, read_world
from sweeps.front.front import non_dominated
from sweeps.search.asked import space_of
from sweeps.search.beforehand import Beforehand
from sweeps.search.front_chances import FrontChances
from sweeps.search.measured import Measured
from sweeps.search.setup import told_columns
from sweeps.search.space import Candidate
from sweeps.search.stopping_rule import goes_on, ranks
from sweeps.stopping_rules import ChosenRule, Standing, choose_rule

ORDERS = 3
"""In how many random orders batches are tried."""
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


class Stopping:
    """The product's rules on a finished grid.

    Args:
        world: the grid.
        truth: what it decides by.
        ways: the candidates.
    """

    def __init__(self, world: World, truth: Truth, ways: Ways) -> None:
        study = world.study
        self._world, self._truth, self._ways = world, truth, ways
        plan = plan_of(
            study.model_copy(update={"search": study.search.model_copy(update={"early_stopping": 0.5})}), world.folder
        )
        self._columns = told_columns(study)
        limits = [(limit.column, limit.comparison, limit.value) for limit in study.parsed_limits]
        costs = Beforehand(study, self._columns, plan.data)
        self._chances = FrontChances(space_of(plan), study.decisive, limits, costs)

    def _measured(self, way: tuple[str, str], budget: int) -> Measured:
        rows = self._world.table.loc[Candidate(*way, budget).key, self._columns]
        means = {column: float(rows[column].mean()) for column in self._columns}
        return Measured(means, {column: tuple(rows[column]) for column in self._columns})

    def survivors(self, rule: ChosenRule, batches: list[Ways]) -> tuple[Ways, int]:
        """Return who comes to the longest budget, and how many epochs everybody is trained together."""
        budgets = self._world.study.budgets
        ended: list[tuple[tuple[str, str], int]] = []
        epochs = 0
        for batch in batches:
            walking = list(batch)
            for before, budget in zip((0, *budgets), budgets[:-1], strict=False):
                epochs += (budget - before) * len(walking)
                values = at_budget(self._truth, walking, budget)
                looks = [*ended, *((way, budget) for way in walking)]

                def chances(looks: list[tuple[tuple[str, str], int]] = looks, asked: Ways = walking) -> NDArray[np.float64]:
                    judged = [
                        (Candidate(*way), at, self._measured(way, at)) for way, last in looks for at in budgets if at <= last
                    ]
                    return self._chances(judged, [Candidate(*way) for way in asked])

                found = ranks(values, self._truth.directions)
                columns = tuple(self._world.study.decisive)
                standing = Standing(
                    budget, budgets, columns, self._truth.directions, values, found, lambda at: np.empty((0, 0)), chances
                )
                decided = list(zip(walking, rule.decide(standing), strict=True))
                ended += [(way, budget) for way, why in decided if why is not None]
                walking = [way for way, why in decided if why is None]
            epochs += (budgets[-1] - budgets[-2]) * len(walking)
            ended += [(way, budgets[-1]) for way in walking]
        return [way for way, last in ended if last == budgets[-1]], epochs

    def row(self, rule: ChosenRule, batch: int | None) -> list[str]:
        """Return what a rule keeps, over all candidates at once or means over orders of batches."""
        truth, ways, longest = self._truth, self._ways, self._world.study.budgets[-1]
        front = non_dominated(at_budget(truth, ways, longest), truth.directions)
        best = {way for way, on in zip(ways, front, strict=True) if on}
        whole = truth.volume([Candidate(*way, longest).key for way in ways])
        found = []
        for order in range(1 if batch is None else ORDERS):
            mixed = [ways[at] for at in np.random.default_rng(order).permutation(len(ways))]
            size = batch or len(ways)
            kept, epochs = self.survivors(rule, [mixed[at : at + size] for at in range(0, len(mixed), size)])
            volume = truth.volume([Candidate(*way, longest).key for way in kept]) / whole
            found.append((len(kept) / len(ways), epochs / (longest * len(ways)), len(best & set(kept)) / len(best), volume))
        going, trained, members, volume = np.mean(found, axis=0)
        return [f"{going:.0%}", f"{trained:.0%}", f"{members:.0%}", f"{volume:.3f}"]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN_DIR", help="output folder of a finished grid of several budgets")
    parser.add_argument("--keep", type=float, nargs="+", default=[0.25, 0.5, 0.75], help="shares that go on")
    parser.add_argument("--below", type=float, nargs="+", default=[0.02, 0.05, 0.1, 0.2], help="chances that stop")
    parser.add_argument("--batch", type=int, default=8, help="candidates of a batch")
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
    stopping = Stopping(world, truth, ways)
    rules = [choose_rule(keep) for keep in arguments.keep]
    rules += [choose_rule({"rule": "front_chance", "below": below}) for below in arguments.below]
    print("\n| early_stopping | compared | come to the end | epochs trained | front kept | hypervolume kept |")
    print("|---|---|---:|---:|---:|---:|")
    for batch in (None, arguments.batch):
        for rule in rules:
            compared = "all at once" if batch is None else f"in batches of {batch}"
            print(f"| {rule.setting()} | {compared} | {' | '.join(stopping.row(rule, batch))} |", flush=True)


if __name__ == "__main__":
    main()
