"""The default sampler against another version of its folder, on grids that it is designed on: paired, with intervals.

Usage: python -m benchmarks.search_design OTHER_FOLDER [--folder FOLDER] [--grids 24] [--seeds 2] [--cells FILE]

A folder is one like ``sweeps/samplers/front_gp``: it loads by itself, so a version to compare with is a copy of it. Both are
asked for a quarter of the candidates of the same grids with the same search seeds. Searches that have ended are kept.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import inspect
import json
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from benchmarks.search_design_worlds import GRIDS, design_world
from benchmarks.search_replay import replay, shipped_batch
from sweeps.samplers import SAMPLERS
from sweeps.samplers.registry import SEEDS
from sweeps.samplers.shipped.front_gp import HELPS

OURS = Path(__file__).resolve().parents[1] / "sweeps" / "samplers" / "front_gp"
FRACTIONS = (1 / 16, 1 / 8, 1 / 4)
LARGEST = 110
"""Grids of more candidates are left out: they take minutes."""
Row = Sequence[float]
"""The missing share at each fraction."""


def digest_of(folder: Path) -> str:
    """Return a digest of a folder's code."""
    found = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:12]


def sampler_of(folder: Path) -> Any:
    """Return the class of the sampler in a folder."""
    name = f"front_gp_{digest_of(folder)}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])
        if spec is None or spec.loader is None:
            raise SystemExit(f"{folder}: no package there (allowed: a folder like {OURS.name})")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name].FrontGPSampler


def searched(folder: Path, world: str, seed: int) -> Row:
    """Return what one search misses."""
    grid, sampler = design_world(world), sampler_of(folder)
    size = len(grid.keys)
    made = {"replicates": SEEDS, "helps": HELPS}
    there = inspect.signature(sampler).parameters  # an older version has fewer
    make = partial(sampler, **{name: value for name, value in made.items() if name in there})
    with patch.dict(SAMPLERS._entries, {"designed": lambda number: make(seed=number)}):
        found = replay(grid, "designed", seed, max(4, round(size * FRACTIONS[-1])), shipped_batch())
    truth = grid.truth(found.told)
    return [1 - float(truth.share(found.order[: max(1, round(size * fraction))])) for fraction in FRACTIONS]


def all_searched(folder: Path, worlds: Sequence[str], seeds: int, cells: Path) -> dict[tuple[str, int], Row]:
    """Return what every search misses; kept in a file, so that nothing is run twice."""
    digest, found = digest_of(folder), {}
    for line in cells.read_text(encoding="utf-8").splitlines() if cells.exists() else []:
        row = json.loads(line)
        if row["code"] == digest:
            found[row["world"], row["seed"]] = row["missing"]
    cells.parent.mkdir(parents=True, exist_ok=True)
    with cells.open("a", encoding="utf-8") as file:
        for world in worlds:
            for seed in range(seeds):
                if (world, seed) not in found:
                    found[world, seed] = searched(folder, world, seed)
                    row = {"code": digest, "world": world, "seed": seed, "missing": found[world, seed]}
                    file.write(json.dumps(row) + "\n")
                    file.flush()
    return {(world, seed): found[world, seed] for world in worlds for seed in range(seeds)}


def compared(name: str, ours: Mapping[Any, Row], other: Mapping[Any, Row], keys: Sequence[tuple[str, int]]) -> str:
    """Return a row of the table: means, their ratio, and its interval by a bootstrap over grids."""
    worlds = sorted({world for world, _ in keys})
    cells = [f"| {name} | {len(worlds)} |"]
    for place in range(len(FRACTIONS)):
        both = np.array(
            [
                [np.mean([found[key][place] for key in keys if key[0] == world]) for found in (ours, other)]
                for world in worlds
            ]
        )
        picks = np.random.default_rng(0).integers(len(worlds), size=(2000, len(worlds)))
        means = both[picks].mean(1)
        low, high = np.percentile(means[:, 0] / np.maximum(means[:, 1], 1e-9), [2.5, 97.5])
        mine, theirs = both.mean(0)
        cells.append(f" {theirs:.3f} -> {mine:.3f}, {mine / max(theirs, 1e-9):.2f} ({low:.2f} to {high:.2f}) |")
    return "".join(cells)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, metavar="OTHER_FOLDER", help="another version of the folder")
    parser.add_argument("--folder", type=Path, default=OURS, help="the version to judge (default the one here)")
    parser.add_argument("--kinds", nargs="+", default=["design", "scatter", "cliffs", "unrelated"], help="made-up grids")
    parser.add_argument("--grids", type=int, default=24, help="made-up grids of each kind (default 24)")
    parser.add_argument("--first", type=int, default=7000, help="number of the first made-up grid (default 7000)")
    parser.add_argument("--kept", nargs="*", default=list(GRIDS), help="kept grids, as GRID or GRID/objective+objective")
    parser.add_argument("--seeds", type=int, default=2, help="searches per made-up grid; three times as many per kept one")
    parser.add_argument("--cells", type=Path, default=Path("runs/search-design.jsonl"), help="file of finished searches")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print("| grids | | at 1/16: other -> this, ratio | at 1/8 | at 1/4 |\n|---|---:|---|---|---|")
    everything: tuple[dict[Any, Row], dict[Any, Row]] = ({}, {})
    began = time.monotonic()
    groups = {kind: [f"{kind}-{asked.first + at}" for at in range(asked.grids)] for kind in asked.kinds}
    for name, worlds in {**groups, **{each: [each] for each in asked.kept}}.items():
        some = [world for world in worlds if len(design_world(world).keys) <= LARGEST]
        seeds = asked.seeds if name in groups else 3 * asked.seeds
        both = [all_searched(folder, some, seeds, asked.cells) for folder in (asked.folder, asked.other)]
        for all_of_them, found in zip(everything, both, strict=True):
            all_of_them.update(found)
        print(compared(name, both[0], both[1], list(both[0])), flush=True)
    print(compared("all", everything[0], everything[1], list(everything[0])))
    print(f"\n{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
