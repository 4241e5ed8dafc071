"""One of the product's searches, replayed from a grid's table: it asks and is told one trial seed's numbers."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

import optuna
from optuna.storages import InMemoryStorage

from benchmarks.search_truth import World, plan_of
from prune_core.metrics import COSTS
from sweeps.cost.sizes import sizes_of
from sweeps.search import optuna_study, setup
from sweeps.search.asked import space_of
from sweeps.search.optuna_search import OptunaSearch
from sweeps.search.optuna_study import ASKED
from sweeps.search.search import Proposer
from sweeps.search.setup import make_proposer, open_books, told_columns
from sweeps.search.space import Candidate
from sweeps.study.model import Study, load_study
from sweeps.study.search_sections import SearchSection

SHIPPED = "quickstart-search"
"""The shipped study whose batch is taken."""
OUTLOOK = "front_gp:outlook"
"""The system attribute in which the default sampler says what it expects."""
DEFAULT = "default"
"""Means the sampler that ``search.kind: optuna`` takes where the study names none."""


@dataclass(frozen=True)
class Replay:
    """What a search did.

    Attributes:
        told: the trial seed whose numbers it was told.
        order: the keys of the candidates that it asked for.
        seconds: for each, how long it took to think of it.
        expected: between two batches, how many were told and what the sampler expected, if it says so.
    """

    told: int
    order: list[str]
    seconds: list[float]
    expected: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list)


def shipped_batch() -> int:
    """Return how many candidates the shipped study asks for at once."""
    return load_study(SHIPPED).search.batch or 1


def told_seed(world: World, seed: int) -> int:
    """Return the trial seed whose numbers a search is told: each in turn."""
    return world.seeds[seed % len(world.seeds)]


def search_section(searcher: str, count: int, seed: int, batch: int) -> SearchSection:
    """Return what a study would say to search so: ``random``, ``default``, or the name of a sampler."""
    kind: Literal["random", "optuna"] = "random" if searcher == "random" else "optuna"
    section = SearchSection(kind=kind, candidates=count, seed=seed, batch=batch)
    return section if searcher in ("random", DEFAULT) else section.model_copy(update={"sampler": searcher})


def replay(world: World, searcher: str, seed: int, count: int, batch: int) -> Replay:
    """Return the search of one seed over a grid.

    Args:
        world: the grid.
        searcher: ``random``, ``default``, or the name of a sampler.
        seed: of the search; says also which trial seed it is told.
        count: candidates.
        batch: asked for at once.
    """
    told = told_seed(world, seed)
    order: list[str] = []
    seconds: list[float] = []
    with proposing(world, searcher, seed, count, batch, told) as proposer:
        proposer.reconcile({})
        while not proposer.done:
            waiting: list[Candidate] = []
            while len(waiting) < batch:
                before = time.perf_counter()
                asked = proposer.next(1)
                if not asked:
                    break
                seconds.append(time.perf_counter() - before)
                waiting += asked
            if not waiting:
                raise RuntimeError(f"{searcher} asks for nothing after {len(order)} of {count} candidates")
            order += [candidate.key for candidate in waiting]
            for candidate in waiting:
                values = world.told(candidate.key, told)
                proposer.tell(candidate, values, "complete" if values is not None else "failed")
        rows = proposer._books.rows() if isinstance(proposer, OptunaSearch) else []
    looks = [(int(row.user_attrs[ASKED]), row.system_attrs[OUTLOOK]) for row in rows if OUTLOOK in row.system_attrs]
    return Replay(told, order, seconds, [(number, said) for number, said in looks if number % batch == 0])


@contextmanager
def proposing(world: World, searcher: str, seed: int, count: int, batch: int, told: int) -> Iterator[Proposer]:
    """Give the product's proposer, with its books in memory: a database would be most of the time."""
    study: Study = world.study.model_copy(
        update={
            "search": search_section(searcher, count, seed, batch),
            "seeds": (told,),
            "tracking": type(world.study.tracking)(),
        }
    )
    plan = plan_of(study, world.folder)
    space = space_of(plan)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="search-"))
        stack.enter_context(patch.object(optuna_study, "open_storage", _in_memory))
        if sizes_of(study, plan.data) is None:  # nothing says how large the images are, so no network can be built
            stack.enter_context(patch.object(setup, "Beforehand", lambda *_: partial(_measured_costs, world)))
        books = open_books(study, space, Path(folder))
        yield make_proposer(study, space, books, plan.data)


def _measured_costs(world: World, arm: str, ratio: str) -> dict[str, float]:
    """Return the costs of an arm at a ratio that came out the same for every seed and budget: as if they had been known."""
    rows = world.table.loc[[key for key in world.keys if key.startswith(f"{arm}|{ratio}|")]]
    told = [column for column in told_columns(world.study) if column in COSTS]
    return {column: float(rows[column].iloc[0]) for column in told if rows[column].nunique(dropna=False) == 1}


def _in_memory(out: Path, url: str | None) -> InMemoryStorage:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return InMemoryStorage()
