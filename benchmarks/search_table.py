"""The table over worlds: how much of the front each searcher finds, and how soon.

Usage: python -m benchmarks.search_table [--seeds 6] [--workers 2] [--cells FILE]

Writes docs/results/search.md and search.json. Searches are replayed on finished grids (benchmarks/worlds) and on made-up
ones; each is told one trial seed's selection numbers and scored by the other seeds on the report images. Every search is
kept in a file as soon as it has ended: stopped and started again, the command runs only what is missing. In pieces: with
--only, --searchers, --seeds and --upto a part is run, and in the end --kept writes the page of all that the file holds.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.search_ablations import ABLATIONS
from benchmarks.search_cells import Cell, Run, read_cells, run_cells, world_of
from benchmarks.search_scores import recommended, trials_to
from benchmarks.search_statistics import Key
from benchmarks.search_table_text import page, to_plain
from benchmarks.search_worlds import FRACTIONS, GP_WORLDS, GROUPS, OTHERS, OURS, SLOW, Group

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "results"


@dataclass
class Found:
    """What one searcher did on the grids of a group.

    Attributes:
        told: the trial seed that each search was told.
        missing: by fraction, the share of the hypervolume that each search had not found.
        regret: by fraction, of the network that the report would recommend.
        trials: how many candidates each search took to nearly all; one more than it tried where it did not get there.
        tried: how many it tried.
        seconds: of thought for each proposal, all searches.
    """

    told: dict[Key, int]
    missing: dict[float, dict[Key, float]]
    regret: dict[float, dict[Key, float]]
    trials: dict[Key, float]
    tried: dict[Key, int]
    seconds: list[float]


def count_at(world: str, fraction: float) -> int:
    """Return how many candidates a fraction of a grid is."""
    return max(1, round(len(world_of(world).keys) * fraction))


def cells_of(group: Group, searcher: str, seeds: int, upto: float) -> list[Cell]:
    """Return the searches of one searcher on the grids of a group, to a fraction of the candidates at most."""
    longest = min(upto, FRACTIONS[-2] if searcher in (*SLOW, *ABLATIONS) else FRACTIONS[-1])
    return [Cell(world, searcher, seed, count_at(world, longest)) for world in group.worlds for seed in range(seeds)]


def searchers_of(group: Group) -> list[str]:
    """Return who searches the grids of a group."""
    if group.kind in ("smooth", "rough"):
        return [*OTHERS, OURS]
    slow = SLOW if group.name in GP_WORLDS else ()
    return [*OTHERS, OURS, *ABLATIONS, *slow]


def score(cells: Sequence[Cell], runs: dict[Cell, Run]) -> Found:
    """Return the numbers of one searcher on the grids of a group."""
    found = Found({}, {}, {}, {}, {}, [])
    for cell in cells:
        run, world, key = runs[cell], world_of(cell.world), (cell.world, cell.seed)
        truth = world.truth(run.told)
        found.told[key] = run.told
        found.seconds += run.seconds
        found.tried[key] = len(run.order)
        found.trials[key] = float(trials_to(truth, run.order) or len(run.order) + 1)
        for fraction in FRACTIONS:
            count = count_at(cell.world, fraction)
            if count > len(run.order):
                continue
            found.missing.setdefault(fraction, {})[key] = 1 - truth.share(run.order[:count])
            advice = recommended(world, run.order[:count], run.told)
            if advice is not None:
                found.regret.setdefault(fraction, {})[key] = advice.regret
    return found


def whole_regret(group: Group, seeds: int) -> dict[Key, float]:
    """Return the regret of who tried everything: what is left of it is the noise of one seed, not the search."""
    found = {}
    for name in group.worlds:
        world = world_of(name)
        for seed in range(seeds):
            advice = recommended(world, world.keys, world.seeds[seed % len(world.seeds)])
            if advice is not None:
                found[name, seed] = advice.regret
    return found


Cells = Mapping[str, Mapping[str, Sequence[Cell]]]
"""Group -> searcher -> its searches."""


def table(cells: Cells, runs: dict[Cell, Run]) -> dict[str, dict[str, Found]]:
    """Return the numbers of every group and searcher over the searches that were run; who ran none is left out."""
    there = {
        group: {searcher: [cell for cell in some if cell in runs] for searcher, some in searchers.items()}
        for group, searchers in cells.items()
    }
    return {
        group: {searcher: score(some, runs) for searcher, some in searchers.items() if some}
        for group, searchers in there.items()
        if searchers.get(OURS)
    }


def longest_kept(group: Group, runs: Mapping[Cell, Run]) -> dict[str, list[Cell]]:
    """Return the searches of a group that were run, by searcher; of one that was run again for longer, the longer one."""
    found: dict[str, list[Cell]] = {}
    for searcher in searchers_of(group):
        best: dict[Key, Cell] = {}
        for cell in sorted((cell for cell in runs if cell.searcher == searcher), key=lambda cell: cell.candidates):
            if cell.world in group.worlds:
                best[cell.world, cell.seed] = cell
        found[searcher] = list(best.values())
    return found


def _said(asked: argparse.Namespace) -> str:
    """Return the options that decide what a page holds, where they are not the usual ones."""
    if asked.kept:
        return " --kept"
    only = [] if len(asked.only) == len(GROUPS) else ["--only", *asked.only]
    searchers = [] if asked.searchers is None else ["--searchers", *asked.searchers]
    words = [*only, *searchers, "--seeds", str(asked.seeds), "--upto", f"{asked.upto:g}"]
    return "".join(f" {word}" for word in words)


def main() -> None:
    """Run what is missing and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=6, help="search seeds per grid (default 6)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--cells", type=Path, default=Path("runs/search-cells.jsonl"), help="file of finished searches")
    parser.add_argument("--only", nargs="+", default=[group.name for group in GROUPS], help="groups of grids (default all)")
    parser.add_argument("--searchers", nargs="+", help="searchers (default all)")
    parser.add_argument(
        "--upto", type=float, default=FRACTIONS[-1], help="fraction of the candidates to stop at (default 0.5)"
    )
    parser.add_argument("--kept", action="store_true", help="run nothing: write what the file of searches holds")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of search.md and search.json (default docs/results)")
    asked = parser.parse_args()
    groups = [group for group in GROUPS if group.name in asked.only]
    began = time.monotonic()
    cells = {
        group.name: {
            searcher: cells_of(group, searcher, asked.seeds, asked.upto)
            for searcher in searchers_of(group)
            if asked.searchers is None or searcher in asked.searchers
        }
        for group in groups
    }
    if asked.kept:
        runs = {run.cell: run for run in read_cells(asked.cells)}
        cells = {group.name: longest_kept(group, runs) for group in groups}
    else:
        wanted = [cell for group in cells.values() for some in group.values() for cell in some]
        runs = run_cells(wanted, asked.cells, asked.workers)
    found = table(cells, runs)
    groups = [group for group in groups if group.name in found]
    floors = {group.name: whole_regret(group, asked.seeds) for group in groups}
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "search.json").write_text(json.dumps(to_plain(found), indent=1) + "\n", encoding="utf-8")
    (asked.out / "search.md").write_text(
        page(groups, found, floors, asked.seeds, list(ABLATIONS), _said(asked)), encoding="utf-8"
    )
    print(f"{asked.out / 'search.md'}: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
