"""How long one child run takes in MLflow (sqlite, numbers and one table), and whether that grows with their number.

Run: ``python benchmarks/mlflow_speed.py [--sizes 100 300 1000] [--json FILE] [--keep FOLDER]``. One process, one new
database; the creation of MLflow's tables and the import are not counted.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from prune_core.corruptions import STANDARD
from prune_core.evaluation.corruption_table import corruption_table
from prune_core.evaluation.logits import LogitSet
from sweeps.tracking.entry import TrialEntry, budget_metrics, final_metrics
from sweeps.tracking.place import Place
from sweeps.tracking.runs import StudyRuns


def _matrix() -> str:
    """Return a corruption matrix of full size: 75 cells, accuracy and ECE."""
    stream = np.random.default_rng(0)
    cells = {name: stream.normal(size=(5, 1000, 2)).astype(np.float16) for name in STANDARD}
    return corruption_table(LogitSet(stream.integers(0, 2, 1000), stream.normal(size=(1000, 2)), cells, np.arange(1000)), 15)


MATRIX = _matrix()


def entry(number: int) -> TrialEntry:
    """Return a trial as the sweep logs it: every fixed metric at two budgets, six parameters, the corruption matrix."""
    row = dict.fromkeys((*budget_metrics(), *final_metrics()), 0.5 + number / 1000000.0)
    return TrialEntry(
        key=f"{number:016x}",
        name=f"vgg16-l1_filter-r0.50-s{number}",
        params={"network": "vgg16", "method": "l1_filter", "ratio": "0.5", "seed": number, "kind": "pruned", "arm": "a"},
        metrics={0: row, 2: row},
        corruptions=dict.fromkeys((0, 2), MATRIX),
    )


def measure(sizes: list[int], folder: Path) -> Iterator[dict[str, float]]:
    """Send children one after the other; yield milliseconds per child of each part: wall, its fastest tenth, processor.

    On a busy machine the mean wall time is that of the others' work; the fastest tenth is near what an idle one takes.
    """
    place = Place(f"sqlite:///{folder / 'mlflow.db'}", "speed", folder / "mlartifacts", "speed", "speed", {"team": "x"})
    runs, sent = StudyRuns(place), 0
    for size in sizes:
        cpu, walls = time.process_time(), []
        while sent < size:
            began = time.perf_counter()
            runs.send_trial(entry(sent))
            walls.append(time.perf_counter() - began)
            sent += 1
        took = {"wall_ms": sum(walls) / len(walls), "wall_p10_ms": float(np.percentile(walls, 10))}
        took["cpu_ms"] = (time.process_time() - cpu) / len(walls)
        yield {"children": size} | {name: round(1000 * value, 1) for name, value in took.items()}
    began = time.perf_counter()
    again = StudyRuns(place)
    for number in range(sent):
        again.send_trial(entry(number))
    yield {"children": sent, "again_ms": round(1000 * (time.perf_counter() - began) / sent, 2)}


def main() -> None:
    """Print one line per size, and optionally write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path, help="leave the database in this (new) folder, to look at it in MLflow's pages")
    arguments = parser.parse_args()
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=arguments.keep is None)
        rows = []
        for row in measure(sorted(arguments.sizes), folder.absolute()):
            print(json.dumps(row), flush=True)
            rows.append(row)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
