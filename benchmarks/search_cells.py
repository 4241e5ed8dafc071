"""The cells of the search table: one search over one grid each, kept in a file, so that nothing is run twice."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

from benchmarks.search_baselines import with_baselines
from benchmarks.search_replay import replay, shipped_batch
from benchmarks.search_surfaces import ROUGH, made_up
from benchmarks.search_truth import World, read_world
from benchmarks.search_worlds import WORLDS

ROOT = Path(__file__).resolve().parents[1]
DECIDING = (
    "sweeps/samplers",
    "sweeps/search",
    "sweeps/cost/known.py",
    "benchmarks/search_ablations.py",
    "benchmarks/search_baselines.py",
)
"""What a search depends on: cells of other contents are run anew."""


@dataclass(frozen=True)
class Cell:
    """What is to be run.

    Attributes:
        world: a kept grid's name, or a made-up one's: ``smooth-7``, ``cliffs-7``.
        searcher: ``random``, ``default``, or a sampler's name.
        seed: of the search.
        candidates: how many it tries.
    """

    world: str
    searcher: str
    seed: int
    candidates: int


@dataclass(frozen=True)
class Run:
    """A cell that was run: the candidates in the order in which they were tried, and how long it thought of each."""

    cell: Cell
    told: int
    order: list[str]
    seconds: list[float]


@cache
def world_of(name: str) -> World:
    """Return a world by name."""
    kind, _, number = name.rpartition("-")
    if kind == "smooth":
        return made_up(int(number))
    rough = next((each for each in ROUGH if each == kind), None)
    return made_up(int(number), rough) if rough is not None else read_world(WORLDS / name)


@cache
def code_digest(world: str) -> str:
    """Return a digest of the code, and of the grid where it is a kept one, that a cell depends on."""
    found = hashlib.sha256()
    for place in (*DECIDING, f"benchmarks/worlds/{world}" if (WORLDS / world).is_dir() else "benchmarks/search_surfaces.py"):
        path = ROOT / place
        files = (
            sorted(each for each in path.rglob("*") if each.suffix in (".py", ".parquet", ".yaml"))
            if path.is_dir()
            else [path]
        )
        for file in files:
            found.update(file.relative_to(ROOT).as_posix().encode())
            found.update(file.read_bytes() if file.is_file() else b"")
    return found.hexdigest()[:16]


def run_cell(cell: Cell) -> Run:
    """Run one search, on one thread."""
    import torch

    torch.set_num_threads(1)
    with with_baselines():
        found = replay(world_of(cell.world), cell.searcher, cell.seed, cell.candidates, shipped_batch())
    return Run(cell, found.told, found.order, found.seconds)


def read_cells(path: Path) -> Iterator[Run]:
    """Yield what a file holds of this code and these grids."""
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        row = json.loads(line)
        cell = Cell(**row.pop("cell"))
        if row.pop("code") == code_digest(cell.world):
            yield Run(cell, **row)


def run_cells(cells: Sequence[Cell], path: Path, workers: int) -> dict[Cell, Run]:
    """Run the cells that a file lacks, write each down when it has ended, and return all of them."""
    found = {run.cell: run for run in read_cells(path)}
    missing = [cell for cell in dict.fromkeys(cells) if cell not in found]
    path.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with path.open("a", encoding="utf-8") as file:
        for done, run in enumerate(_runs(missing, workers), start=1):
            found[run.cell] = run
            file.write(json.dumps({"code": code_digest(run.cell.world), **asdict(run)}) + "\n")
            file.flush()
            if done % 20 == 0 or done == len(missing):
                print(f"{done} of {len(missing)} searches, {time.monotonic() - began:.0f} s", flush=True)
    return {cell: found[cell] for cell in cells}


def _runs(cells: Sequence[Cell], workers: int) -> Iterator[Run]:
    """Yield the searches as they end: in this process with one worker, else in as many others."""
    if workers == 1:
        yield from map(run_cell, cells)
        return
    fresh = get_context("spawn")  # a forked process may wait for ever for threads that computed before
    with ProcessPoolExecutor(workers, mp_context=fresh) as pool:
        yield from (future.result() for future in as_completed([pool.submit(run_cell, cell) for cell in cells]))
