"""How good is a search on a finished grid? It is replayed from the grid's table; nothing is trained.

Usage: python -m benchmarks.search_quality RUN_DIR --searcher default --candidates 16 --seeds 6 --json

RUN_DIR is the output folder of a finished grid, or any folder with its ``study.yaml`` and ``records.parquet``: no images,
no checkpoints and no trials are needed. The searcher is the product's own: ``random``, the name of a sampler, or ``default``
for the one that ``search.kind: optuna`` takes. Search seed k is told the selection numbers of the k-th trial seed (each in
turn) and scored by the means of the other trial seeds on the report images: nothing it was told counts in its favour.

``share``: hypervolume of the candidates tried, as a share of the whole grid's, one value per search seed; ``missing``: 1
minus the share. The reference point lies a tenth of each objective's range over the grid beyond its worst value.
``regret``: what the network that the report would recommend costs more than the best choice, in shares of the unpruned
network's cost.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.arguments import OneLineParser, count_from_1
from benchmarks.search_baselines import with_baselines
from benchmarks.search_replay import DEFAULT, Replay, replay, search_section, shipped_batch
from benchmarks.search_scores import NEARLY_ALL, recommended, trials_to
from benchmarks.search_truth import World, read_world
from prune_core.base.errors import BadInput


def scored(world: World, found: Replay) -> dict[str, Any]:
    """Return the numbers of one search."""
    truth = world.truth(found.told)
    share = truth.share(found.order)
    advice = recommended(world, found.order, found.told)
    return {
        "share": share,
        "missing": 1 - share,
        "trials_to_95": trials_to(truth, found.order, NEARLY_ALL),
        "regret": None if advice is None else advice.regret,
        "told_seed": found.told,
        "tried": found.order,
    }


def quality(world: World, searcher: str, candidates: int, seeds: int, batch: int) -> dict[str, Any]:
    """Return what the command prints: lists with one value per search seed, and what they are of.

    The same arguments give the same object.
    """
    found = [scored(world, replay(world, searcher, seed, candidates, batch)) for seed in range(seeds)]
    columns = list(world.study.decisive)
    return {
        "study": world.study.name,
        "searcher": searcher,
        "sampler": None if searcher == "random" else search_section(searcher, candidates, 0, batch).sampler,
        "candidates": candidates,
        "of": len(world.keys),
        "batch": batch,
        "told": columns,
        "scored_on": [world.scoring_column(column) for column in columns],
        **{name: [one[name] for one in found] for name in found[0]},
    }


def main() -> int:
    """Print the numbers of one searcher on one grid."""
    parser = OneLineParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "run", type=Path, metavar="RUN_DIR", help="folder with study.yaml and records.parquet of a finished grid"
    )
    parser.add_argument("--searcher", default=DEFAULT, help="random, a sampler's name, or default (default)")
    parser.add_argument("--candidates", type=count_from_1, help="how many to try (default: a quarter)")
    parser.add_argument("--seeds", type=count_from_1, default=6, help="search seeds (default 6)")
    parser.add_argument(
        "--batch", type=count_from_1, default=shipped_batch(), help="candidates asked for at once (default %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a line")
    asked = parser.parse_args()
    try:
        world = read_world(asked.run)
        candidates = min(asked.candidates or max(1, len(world.keys) // 4), len(world.keys))
        with with_baselines():
            found = quality(world, asked.searcher, candidates, asked.seeds, asked.batch)
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    if asked.json:
        print(json.dumps(found))
        return 0
    share = found["share"]
    spread = f" ± {statistics.stdev(share):.3f}" if len(share) > 1 else ""
    print(f"{asked.searcher}, {candidates} of {len(world.keys)} candidates: share {statistics.mean(share):.3f}{spread}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
