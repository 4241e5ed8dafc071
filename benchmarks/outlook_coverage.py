"""Does what the search expects come true? Searches replayed on made-up grids, looked at between two batches.

Usage: python -m benchmarks.outlook_coverage [--first 4000] [--grids 6] [--seeds 2] [--kinds smooth unrelated scatter]

At each look the default sampler says which share of the hypervolume trying all that is left would still add, with a 90 %
interval. What comes true is the share that the candidates told by then do not have, by the numbers that score searches.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.search_cells import world_of
from benchmarks.search_replay import DEFAULT, replay, shipped_batch
from benchmarks.search_surfaces import ROUGH

LARGEST = 110
"""Grids of more candidates are left out: they take minutes."""
UPTO = 0.4
"""The share of the candidates that is tried."""


@dataclass(frozen=True)
class Look:
    """What was expected once, and what there was.

    Attributes:
        world: the grid.
        told: share of its candidates that were told.
        low: of the interval.
        expected: the mean.
        high: of the interval.
        promised: the mean before it is corrected.
        real: what came true.
    """

    world: str
    told: float
    low: float
    expected: float
    high: float
    promised: float
    real: float


def looks(names: Sequence[str], seeds: int) -> Iterator[Look]:
    """Yield every look of the searches of some grids."""
    for name in names:
        world = world_of(name)
        size = len(world.keys)
        for seed in range(seeds if size <= LARGEST else 0):
            found = replay(world, DEFAULT, seed, max(8, round(UPTO * size)), shipped_batch())
            truth = world.truth(found.told)
            for told, said in found.expected:
                real = 1 - truth.share(found.order[:told])
                yield Look(
                    name, told / size, said["low"], said["expected_gain"], said["high"], said["promised"], float(real)
                )


def line(name: str, found: Sequence[Look]) -> str:
    """Return a row of the table."""
    if not found:
        return f"| {name} | 0 | | | | |"
    held = np.mean([each.low <= each.real <= each.high for each in found])
    means = [float(np.mean([getattr(each, column) for each in found])) for column in ("expected", "promised", "real")]
    return f"| {name} | {len(found)} | {held:.2f} | " + " | ".join(f"{mean:.1%}" for mean in means) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=4000, help="number of the first made-up grid (default %(default)s)")
    parser.add_argument("--grids", type=int, default=6, help="of each kind (default %(default)s)")
    parser.add_argument("--seeds", type=int, default=2, help="searches per grid (default %(default)s)")
    parser.add_argument("--kinds", nargs="+", default=["smooth", *ROUGH])
    parser.add_argument("--worlds", nargs="+", default=[], help="further grids by name, such as quickstart")
    asked = parser.parse_args()
    names = {kind: [f"{kind}-{asked.first + at}" for at in range(asked.grids)] for kind in asked.kinds}
    print(
        "| grids | looks | interval holds | expected, mean | promised, mean | real, mean |\n|---|---:|---:|---:|---:|---:|"
    )
    everything: list[Look] = []
    for name, worlds in {**names, **{each: [each] for each in asked.worlds}}.items():
        found = list(looks(worlds, asked.seeds))
        print(line(name, found), flush=True)
        everything += found
    print(line("all", everything))
    for low, high in ((0, 1 / 8), (1 / 8, 1 / 4), (1 / 4, 1)):
        print(line(f"told {low:.3g} to {high:.3g}", [each for each in everything if low < each.told <= high]))


if __name__ == "__main__":
    main()
