"""How long an ask takes: CPU seconds to propose one candidate with many told and many left.

Usage: python -m benchmarks.ask_speed [--told 500] [--left 5000] [--asks 8] [--batch 4] [--sampler front_gp]

A made-up space of networks, methods, ratios and budgets with four objectives, of which the last one is known beforehand.
The product's own search is asked, in memory, in batches; each batch is told before the next one is asked.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

import numpy as np
import optuna

from sweeps.samplers import DEFAULT
from sweeps.search import optuna_study
from sweeps.search.optuna_search import OptunaSearch
from sweeps.search.optuna_study import OptunaBooks
from sweeps.search.space import ArmSpace, Candidate, Space

OBJECTIVES = [("val_accuracy", "max"), ("val_ece", "min"), ("val_mpc", "max"), ("nonzero_parameters", "min")]
NETWORKS, RATIOS, BUDGETS = 10, 11, (0, 1, 2, 5, 10)


def space_of(size: int) -> Space:
    """Return a space of at least so many candidates."""
    methods = -(-size // (NETWORKS * RATIOS * len(BUDGETS)))
    ratios = tuple(str(round(0.08 * (place + 1), 2)) for place in range(RATIOS))
    names = [(f"net{network}", f"method{method}") for network in range(NETWORKS) for method in range(methods)]
    return Space(
        tuple(
            ArmSpace(f"{network}-{method}", ratios, BUDGETS, parts=(("network", network), ("method", method)))
            for network, method in names
        )
    )


def cost_of(arm: str, ratio: str) -> dict[str, float]:
    """Return the cost that is known beforehand."""
    return {"nonzero_parameters": 1e5 * (1 + int(arm.split("-")[0][3:])) * (1 - float(ratio))}


def values_of(candidate: Candidate, random: np.random.Generator) -> dict[str, float]:
    """Return what a candidate measures: shapes that pruning has, with some noise."""
    network, method = (int("".join(filter(str.isdigit, part))) for part in candidate.arm.split("-"))
    edge = 0.3 + 0.05 * method + 0.02 * network + 0.1 * np.log1p(candidate.budget or 0)
    left = 1 / (1 + np.exp((float(candidate.ratio) - edge) / 0.08))
    noise = random.normal(0, 0.01, 3)
    scores = np.clip(np.array([0.1 + 0.85 * left, 0.02 + 0.6 * left * (1 - left), 0.1 + 0.7 * left]) + noise, 0.001, 0.999)
    return dict(zip(("val_accuracy", "val_ece", "val_mpc"), map(float, scores), strict=True)) | cost_of(
        candidate.arm, candidate.ratio
    )


def seconds_per_ask(told: int, left: int, asks: int, batch: int, sampler: str) -> list[float]:
    """Return the CPU seconds of each ask."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space, random = space_of(told + left), np.random.default_rng(0)
    in_memory = patch.object(optuna_study, "open_storage", lambda *_: optuna.storages.InMemoryStorage())
    with tempfile.TemporaryDirectory() as folder, in_memory:
        books = OptunaBooks("speed", Path(folder), None, space=space, objectives=OBJECTIVES)
        search = OptunaSearch(books, told + left, 0, sampler=sampler, batch=batch, costs=cost_of)
        everything = list(space.candidates())
        chosen = [everything[place] for place in random.permutation(len(everything))[:told]]
        search.reconcile({each.key: values_of(each, random) for each in chosen})
        taken: list[float] = []
        while len(taken) < asks:
            waiting: list[Candidate] = []
            for _ in range(batch):
                before = time.process_time()
                waiting += search.next(1)
                taken.append(time.process_time() - before)
            for each in waiting:
                search.tell(each, values_of(each, random))
    return taken


def main() -> None:
    """Print median and longest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--told", type=int, default=500)
    parser.add_argument("--left", type=int, default=5000)
    parser.add_argument("--asks", type=int, default=8)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--sampler", default=DEFAULT)
    asked = parser.parse_args()
    taken = seconds_per_ask(asked.told, asked.left, asked.asks, asked.batch, asked.sampler)
    print(" ".join(f"{each:.2f}" for each in taken))
    print(f"median {statistics.median(taken):.2f} s of CPU, longest {max(taken):.2f} s")


if __name__ == "__main__":
    main()
