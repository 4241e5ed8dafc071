"""What do extra seeds that compete with new candidates bring, with equal numbers of trials? Replayed; nothing is trained.

Usage: python -m benchmarks.search_seeds RUN_DIR [RUN_DIR ...] --trials 16 32 --seeds 6

RUN_DIR is a finished grid of three seeds or more (see `benchmarks.search_quality`), or a made-up one (`scatter-2000`, see
`benchmarks.search_surfaces`). A search is told one seed of each
candidate, each in turn; the next seed is the one that it may ask for besides; the others score it, on the report images.
Every trial counts: an extra seed also pays for the unpruned networks that it needs first.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from benchmarks.search_replay import DEFAULT, proposing, shipped_batch, told_seed
from benchmarks.search_scores import recommended
from benchmarks.search_surfaces import ROUGH, Rough, made_up
from benchmarks.search_truth import World, plan_of, read_world
from prune_core.base.kinds import REFERENCES
from sweeps.search.competing_seeds import CompetingSeeds, means_over_seeds
from sweeps.search.competition import Extra, More
from sweeps.search.optuna_search import OptunaSearch
from sweeps.search.setup import told_columns
from sweeps.search.space import Candidate
from sweeps.study.search_sections import MoreSeedsSection, SearchSection


def extra_seed(world: World, told: int) -> int:
    """Return the seed that a search may ask for besides the one that it is told."""
    return world.seeds[(world.seeds.index(told) + 1) % len(world.seeds)]


def searched(world: World, seed: int, trials: int, batch: int, most: int) -> tuple[list[str], list[Extra]]:
    """Return the candidates that a search tried, and its extra seeds.

    Args:
        world: the grid.
        seed: of the search.
        trials: that it may have.
        batch: candidates asked for at once.
        most: extra seeds at most; 0 is a search without.
    """
    told = told_seed(world, seed)
    order: list[str] = []
    with proposing(world, DEFAULT, seed, trials, batch, told) as proposer, tempfile.TemporaryDirectory() as folder:
        if not isinstance(proposer, OptunaSearch):
            raise SystemExit("the default search is no search by Optuna")
        extras: list[Extra] = []
        if most:
            competing = _competing(world, told, trials, most, Path(folder))
            records = None if world.folder is None else pd.read_parquet(world.folder / "records.parquet")
            study = world.study.model_copy(update={"seeds": (told,)})

            def told_as(keys: Collection[str]) -> More:
                given = competing.competition.given
                if records is None:  # made up: what a seed does to all is nothing
                    means = world.means(told_columns(study), (told, extra_seed(world, told)))
                    return {
                        key: ({str(name): float(cast(float, x)) for name, x in means.loc[key].items()}, 2)
                        for key, _ in given
                    }
                shown = _shown(records, told, extra_seed(world, told), keys, given)
                return means_over_seeds(shown, study, [(one, one.arm) for one in map(Candidate.from_key, dict(given))])

            proposer.compete(competing.competition, 1, told_as)
        proposer.reconcile({})
        while not proposer.done:
            waiting: list[Candidate] = []
            while len(waiting) < batch and (asked := proposer.next(1)):
                waiting += asked
            order += [candidate.key for candidate in waiting]
            for candidate in waiting:
                values = world.told(candidate.key, told)
                proposer.tell(candidate, values, "complete" if values is not None else "failed")
            extras += proposer.next_seeds()
            proposer.seeds_ended()
    return order, extras


def _competing(world: World, told: int, trials: int, most: int, out: Path) -> CompetingSeeds:
    rule = MoreSeedsSection(candidates=most, seeds=(extra_seed(world, told),), when="compete")
    search = SearchSection(kind="optuna", candidates=trials, batch=1, more_seeds=rule)
    study = world.study.model_copy(update={"seeds": (told,), "search": search, "tracking": type(world.study.tracking)()})
    return CompetingSeeds(plan_of(study, world.folder), out, trials)


def _shown(records: pd.DataFrame, told: int, extra: int, keys: Collection[str], given: Sequence[Extra]) -> pd.DataFrame:
    """Return the records that a search has seen: what it was told, its extra seeds, and the unpruned networks."""
    places = {(one.arm, float(one.ratio), int(one.budget or 0)) for one in map(Candidate.from_key, keys)}
    more = {(one.arm, float(one.ratio), int(one.budget or 0)) for one in map(Candidate.from_key, dict(given))}
    unpruned = records["method"].isin(REFERENCES).to_numpy()
    which = list(zip(records["arm"], records["ratio"].fillna(0), records["budget"], strict=True))
    own = records["seed"].eq(told).to_numpy() & (unpruned | np.array([one in places for one in which]))
    further = records["seed"].eq(extra).to_numpy() & (unpruned | np.array([one in more for one in which]))
    return records[own | further]


def scored(world: World, seed: int, order: Sequence[str], extras: Sequence[Extra]) -> tuple[float, float]:
    """Return the missing share of the hypervolume and the regret, both by the seeds that the search could not see."""
    told = told_seed(world, seed)
    unseen = tuple(one for one in world.seeds if one != extra_seed(world, told))
    scoring = replace(world, study=world.study.model_copy(update={"seeds": unseen}))
    advice = recommended(scoring, order, told, {key: [further] for key, further in extras})
    return 1 - scoring.truth(told).share(order), float("nan") if advice is None else advice.regret


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="RUN_DIR", help="finished grids of three seeds or more, or scatter-2000")
    parser.add_argument("--trials", type=int, nargs="+", default=[16, 32])
    parser.add_argument("--seeds", type=int, default=6, help="search seeds (default 6)")
    parser.add_argument("--most", type=int, default=8, help="extra seeds at most (default 8)")
    parser.add_argument("--batch", type=int, default=shipped_batch())
    asked = parser.parse_args()
    print("| grid | trials | extra seeds | given | new candidates | missing | regret | missing, difference |")
    print("|---|---:|---|---:|---:|---:|---:|---:|")
    named: dict[str, Rough | None] = {"smooth": None, **{kind: kind for kind in ROUGH}}
    for run in asked.runs:
        kind, _, number = run.rpartition("-")
        world = made_up(int(number), named[kind]) if kind in named and number.isdigit() else read_world(Path(run))
        if len(world.seeds) < 3:
            raise SystemExit(f"{run}: {len(world.seeds)} seeds (allowed: three or more)")
        for trials in asked.trials:
            before = None
            for most in (0, asked.most):
                found = [searched(world, seed, trials, asked.batch, most) for seed in range(asked.seeds)]
                missing, regret = np.array([scored(world, seed, *one) for seed, one in enumerate(found)], dtype=float).T
                given, new = (float(np.mean([len(one[at]) for one in found])) for at in (1, 0))
                change = "" if before is None else f"{(missing - before).mean():+.4f} ± {(missing - before).std(ddof=1):.4f}"
                before = missing if before is None else before
                name = "compete" if most else "none"
                print(
                    f"| {world.name} | {trials} | {name} | {given:.1f} | {new:.1f} | {missing.mean():.4f} | "
                    f"{regret.mean():.4f} | {change} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
