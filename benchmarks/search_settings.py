"""On which TPE's settings were chosen: made-up grids, a quarter of each tried, with Optuna's own settings and with ours.

Usage: python -m benchmarks.search_settings [--grids 12] [--seeds 2]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from unittest.mock import patch

import numpy as np
from optuna.samplers import BaseSampler, TPESampler

from benchmarks.search_replay import replay, shipped_batch
from benchmarks.search_surfaces import made_up
from sweeps.samplers import SAMPLERS

FIRST = 1000
"""Number of the first made-up grid."""

SETTINGS: dict[str, Callable[[int], BaseSampler] | None] = {
    "Optuna's own": lambda seed: TPESampler(seed=seed),
    "together, 5 at random": lambda seed: TPESampler(seed=seed, n_startup_trials=5, multivariate=True, group=True),
    "ours": None,
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grids", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=2, help="search seeds per grid")
    arguments = parser.parse_args()
    grids = [made_up(FIRST + number) for number in range(arguments.grids)]
    print(f"{len(grids)} grids of {', '.join(str(len(grid.keys)) for grid in grids)} candidates\n")
    print("| search | share of the hypervolume | ahead of random |\n|---|---:|---:|")

    def shares(searcher: str) -> np.ndarray:
        found = np.zeros((len(grids), arguments.seeds))
        for row, grid in enumerate(grids):
            for seed in range(arguments.seeds):
                search = replay(grid, searcher, seed, len(grid.keys) // 4, shipped_batch())
                found[row, seed] = grid.truth(search.told).share(search.order)
        return found

    blind = shares("random")
    print(f"| random | {blind.mean():.3f} | |", flush=True)
    for name, tpe in SETTINGS.items():
        with patch.dict(SAMPLERS._entries, {"tpe": tpe} if tpe else {}):
            found = shares("tpe")
        print(f"| {name} | {found.mean():.3f} | {int((found > blind).sum())} of {found.size} |", flush=True)


if __name__ == "__main__":
    main()
