"""How good is the search? A finished grid is the ground truth; searches replay from its table, nothing is trained.

Usage: python -m benchmarks.search_quality RUN_DIR [--seeds 10]

The searches are the product's own (sampler, batch and number of candidates as in the shipped study `quickstart-search`), on
a storage of their own, each told the numbers of one trial seed. What they reach is scored by the means over all seeds: the
hypervolume of the candidates tried, and of those that the one seed puts on its front, as shares of the whole grid's.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.search_truth import Truth, read_truth
from sweeps.plan.plan import make_plan
from sweeps.search.setup import make_proposer, open_books, space_of
from sweeps.study.model import Study, load_study

SHIPPED = "quickstart-search"
Shares = NDArray[np.float64]


def tried(truth: Truth, kind: str, seed: int, count: int, storage: Path) -> list[str]:
    """Return the keys of the candidates that a search asks for, in order."""
    shipped = load_study(SHIPPED).search
    search = shipped.model_copy(update={"kind": kind, "seed": seed, "candidates": count})
    update = {"search": search, "name": f"{kind}-{seed}-{count}", "seeds": truth.seeds[:1]}
    study: Study = truth.study.model_copy(update=update)
    space = space_of(make_plan(study, data_required=False))
    out = storage / study.name
    out.mkdir()
    study = study.model_copy(update={"tracking": study.tracking.model_copy(update={"optuna": f"sqlite:///{storage}/o.db"})})
    books = open_books(study, space, out)
    proposer = make_proposer(study, space, books)
    proposer.reconcile({})
    row = truth.seeds.index(told_seed(truth, seed))
    order: list[str] = []
    while not proposer.done:
        for candidate in proposer.next(shipped.batch or 1):
            order.append(candidate.key)
            values = truth.told[candidate.key][row]
            proposer.tell(candidate, dict(zip(study.decisive, map(float, values), strict=True)))
    return order


def told_seed(truth: Truth, search_seed: int) -> int:
    """Return the trial seed whose numbers a search is told: each in turn."""
    return truth.seeds[search_seed % len(truth.seeds)]


def shares(truth: Truth, kind: str, seeds: int, counts: Sequence[int]) -> tuple[Shares, Shares]:
    """Return shares of the grid's hypervolume after so many candidates: ``(seeds, counts)`` of all tried, of the chosen."""
    whole = truth.volume(truth.told)
    of_tried, of_chosen = np.zeros((seeds, len(counts))), np.zeros((seeds, len(counts)))
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(seeds):
            for column, count in enumerate(counts):
                keys = tried(truth, kind, seed, count, Path(folder))
                of_tried[seed, column] = truth.volume(keys) / whole
                of_chosen[seed, column] = truth.volume(truth.chosen(keys, told_seed(truth, seed))) / whole
    return of_tried, of_chosen


def greedy(truth: Truth, count: int) -> float:
    """Return the share that picking the best next candidate each time reaches, knowing all: close to what is possible."""
    picked: list[str] = []
    for _ in range(count):
        left = [key for key in truth.told if key not in picked]
        picked.append(max(left, key=lambda key: truth.volume([*picked, key])))
    return truth.volume(picked) / truth.volume(truth.told)


def lines_of(truth: Truth, counts: Sequence[int], found: dict[str, tuple[Shares, Shares]]) -> list[str]:
    """Return the table as Markdown."""
    lines = [
        "| candidates | share of the hypervolume | optuna | random | optuna / random | range | optuna ahead |",
        "|---:|---|---:|---:|---:|---:|---:|",
    ]
    for column, count in enumerate(counts):
        for side, name in enumerate(("of all tried", "of those one seed would choose")):
            ours, blind = (found[kind][side][:, column] for kind in ("optuna", "random"))
            ratio = ours / blind
            ahead = f"{int((ours > blind).sum())} of {len(ours)}"
            lines.append(
                f"| {count} of {len(truth.told)} | {name} | {_spread(ours)} | {_spread(blind)} | {_spread(ratio)} | "
                f"{ratio.min():.2f} to {ratio.max():.2f} | {ahead} |"
            )
    return lines


def _spread(values: Shares) -> str:
    return f"{values.mean():.3f} ± {values.std(ddof=1):.3f}"


def main() -> None:
    """Print the table for a finished grid."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN_DIR", help="output folder of a finished grid")
    parser.add_argument("--seeds", type=int, default=10, help="search seeds, each paired with random search (default 10)")
    arguments = parser.parse_args()
    truth = read_truth(arguments.run)
    quarter = len(truth.told) // 4
    counts = [quarter // 2, quarter, 2 * quarter]
    reference = ", ".join(f"{name} {value:.4g}" for name, value in zip(truth.study.decisive, truth.reference, strict=True))
    print(f"study {truth.study.name}: {len(truth.told)} candidates, {len(truth.seeds)} seeds; reference point: {reference}")
    print(f"knowing all, the best {quarter} reach {greedy(truth, quarter):.3f} (chosen one after the other)")
    found = {kind: shares(truth, kind, arguments.seeds, counts) for kind in ("optuna", "random")}
    print("\n".join(["", *lines_of(truth, counts, found)]))


if __name__ == "__main__":
    main()
