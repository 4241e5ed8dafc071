"""A careful script of one's own: what `benchmarks.whole_scripts` compares ours with.

    python -m benchmarks.whole_careful STUDY.json FOLDER

Baselines are trained once, saved and loaded; two Ray actors are reused for everything; corrupted images are made once and
kept; evaluation takes batches out of tensors, without a DataLoader. FOLDER gets the networks, ``results.json`` and
``seconds.json``.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import ray
import torch
from ray.util import ActorPool
from torch import Tensor, nn

from benchmarks.whole_parts import corruption_scores, fresh, pruned, scores, trained
from benchmarks.whole_study import ARMS, SEEDS, Data
from sweeps.engine.quiet import silence, without_lookups

ACTORS = 2
BATCH = 256


class Judge:
    """Judges networks: clean and corrupted images are read once, and stay as tensors."""

    def __init__(self, data: Data, kept: Path) -> None:
        self._few = data.few
        self._clean = {prefix: (data.normalised(each.images), each.labels) for prefix, each in data.sets.items()}
        self._cells: dict[str, dict[tuple[str, int], tuple[Tensor, Tensor]]] = {}
        for prefix, each in data.sets.items():
            labels, stored = each.labels[each.positions], np.load(kept / f"{prefix}cells.npy")
            self._cells[prefix] = {
                cell: (data.normalised(images), labels) for cell, images in zip(each.cells, stored, strict=True)
            }

    def __call__(self, network: nn.Module) -> dict[str, float]:
        """Return the columns of one network."""
        network.eval()
        row: dict[str, float] = {}
        with torch.inference_mode():
            for prefix, (images, labels) in self._clean.items():
                cells = {cell: (network(each), of) for cell, (each, of) in self._cells[prefix].items()}
                found = scores(torch.cat([network(batch) for batch in images.split(BATCH)]), labels)
                row |= {prefix + name: value for name, value in (found | corruption_scores(cells)).items()}
            images, labels = self._few
            row["train_accuracy"] = scores(network(images), labels)["accuracy"]
        return row


def keep_corrupted(data: Data, folder: Path) -> None:
    """Make the corrupted images, and save them."""
    for prefix, each in data.sets.items():
        np.save(folder / f"{prefix}cells.npy", np.stack([each.cell(*cell) for cell in each.cells]))


class Worker:
    """One process that trains, prunes and judges, one job after the other."""

    def __init__(self, plain: dict[str, Any], folder: Path) -> None:
        torch.set_num_threads(1)
        self._data, self._folder = Data(plain), folder
        self._judge: Judge | None = None

    def baseline(self, seed: int) -> None:
        """Train an unpruned network, and save it."""
        network = trained(fresh(seed), self._data, "training", self._data.recipe("training").epochs)
        torch.save(network.state_dict(), self._folder / f"baseline-{seed}.pt")

    def records(self, seed: int, method: str, ratio: float) -> list[dict[str, Any]]:
        """Prune a saved baseline, judge it, fine-tune it, judge it again."""
        self._judge = self._judge or Judge(self._data, self._folder)
        network = fresh(seed)
        network.load_state_dict(torch.load(self._folder / f"baseline-{seed}.pt"))
        pruned(network, method, ratio)
        rows = []
        for budget in (0, self._data.budget):
            if budget:
                trained(network, self._data, "fine_tuning", budget)
            torch.save(network.state_dict(), self._folder / f"{method}-{ratio}-{seed}-{budget}.pt")
            about = {"method": method, "ratio": ratio, "seed": seed, "budget": budget}
            rows.append(about | self._judge(network))
        return rows


def main() -> None:
    """Do everything; save the table after each job."""
    plain, folder = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    silence()  # the same Ray as ours: no niceness of workers, no look-ups in networks
    without_lookups()
    ray.init(num_cpus=ACTORS, include_dashboard=False, logging_level="ERROR")
    actor = ray.remote(num_cpus=1)(Worker)
    workers = [actor.remote(plain, folder) for _ in range(ACTORS)]
    ray.get([worker.__ray_ready__.remote() for worker in workers])
    started = time.monotonic()
    training = [workers[at % ACTORS].baseline.remote(seed) for at, seed in enumerate(SEEDS)]
    keep_corrupted(Data(plain), folder)
    ray.get(training)
    rows: list[dict[str, Any]] = []
    jobs = [(seed, *arm) for arm in ARMS for seed in SEEDS]
    for found in ActorPool(workers).map_unordered(lambda worker, job: worker.records.remote(*job), jobs):
        rows += found
        (folder / "results.json").write_text(json.dumps(rows))
    (folder / "seconds.json").write_text(json.dumps(time.monotonic() - started))
    ray.shutdown()


if __name__ == "__main__":
    main()
