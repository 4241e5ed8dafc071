"""Trials on real digits, as small as they go: what they are told, and where they run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prune_core.base.trial_folder import read_record
from prune_core.pruning import load_network
from prune_core.trial.description import TrialDescription
from prune_core.trial.order import TrialOrder
from prune_core.trial.run import run_trial

BASELINE: dict[str, Any] = {
    "kind": "baseline",
    "study_seed": 0,
    "data": {"name": "digits", "options": {}, "checksum": None, "train": 300, "validation": 100, "test": 100},
    "network": {"name": "small_vgg", "options": {"width": 4}},
    "training": {"epochs": 2, "augmentation": "shift", "batch_size": 32, "learning_rate": 0.2},
    "checkpoint": None,
    "seed": 0,
    "device": "cpu",
    "threads": 1,
}


EVALUATION = {
    "corruptions": "generated",
    "seed": 0,
    "images_per_cell": 20,
    "selection_images_per_cell": 10,
    "train_images": 50,
}


CLEAN = {**EVALUATION, "corruptions": "none"}


TIMES = {"train_seconds", "evaluate_seconds"}


def described(kind: str = "pruned", method: str | None = "l1_filter", ratio: str = "0.5", **changes):
    return {
        "kind": kind,
        "baseline": BASELINE,
        "method": None if kind != "pruned" else {"name": method, "options": {}},
        "ratio": ratio if kind == "pruned" else "0",
        "rounds": 1,
        "fine_tuning": {"learning_rate": 0.02, "batch_size": 32, "augmentation": "shift", "momentum": 0.9},
        "evaluation": CLEAN,
        "seed": 0,
        **changes,
    }


class House:
    """A store, a cache and folders of trials."""

    def __init__(self, root: Path, cache: Path):
        self.root, self.cache = root, cache

    def run(self, description, budgets, name="trial", store="store", on_budget=None, should_stop=None, **more):
        order = TrialOrder(self.root / name, self.root / store, tuple(budgets), cache=self.cache, **more)
        described = TrialDescription.from_plain(description)
        return run_trial(described, order, on_budget=on_budget, should_stop=should_stop)

    def record(self, budget, name="trial"):
        return read_record(self.root / name, budget)


def numbers(record):
    return {name: value for name, value in record.items() if name not in TIMES}


def zeros(path: Path):
    return {n: p == 0 for n, p in load_network(path).named_parameters() if p.ndim == 4}
