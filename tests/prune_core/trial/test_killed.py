"""A worker killed outright, at any moment, loses at most the time since its last checkpoint, and nothing of the numbers."""

from __future__ import annotations

import multiprocessing
import random
import time
from pathlib import Path
from typing import Any

from prune_core.base.trial_folder import budget_folder, read_outcome, read_record
from prune_core.training.curve import read_curve
from prune_core.trial.description import TrialDescription
from prune_core.trial.order import TrialOrder
from prune_core.trial.run import run_trial

DESCRIPTION = {
    "kind": "pruned",
    "baseline": {
        "kind": "baseline",
        "study_seed": 0,
        "data": {"name": "digits", "options": {}, "checksum": None, "train": 300, "validation": 100, "test": 100},
        "network": {"name": "small_vgg", "options": {"width": 4}},
        "training": {"epochs": 3, "batch_size": 8, "learning_rate": 0.1},
        "checkpoint": None,
        "seed": 0,
        "device": "cpu",
        "threads": 1,
    },
    "method": {"name": "unstructured", "options": {}},
    "ratio": "0.5",
    "rounds": 1,
    "fine_tuning": {"learning_rate": 0.02, "batch_size": 8},
    "evaluation": {
        "corruptions": "none",
        "seed": 0,
        "images_per_cell": 20,
        "selection_images_per_cell": 10,
        "train_images": 50,
    },
    "seed": 0,
}
BUDGETS = [0, 1, 3]


def work(root: Path, cache: Path) -> dict[str, Any]:
    return run_trial(
        TrialDescription.from_plain(DESCRIPTION),
        TrialOrder(folder=root / "trial", store=root / "store", budgets=tuple(BUDGETS), cache=cache, checkpoint_seconds=0.0),
    )


def test_killed_eight_times_it_ends_the_same(tmp_path):
    """Forked, since a fresh process needs longer to import torch than a trial of this size takes."""
    calm, stormy, cache = tmp_path / "calm", tmp_path / "stormy", tmp_path / "cache"
    work(calm, cache)
    begun = time.monotonic()
    work(tmp_path / "timed", cache)
    usual = time.monotonic() - begun
    draw, kills = random.Random(4), 0
    for _ in range(8):
        worker = multiprocessing.get_context("fork").Process(target=work, args=(stormy, cache))
        worker.start()
        worker.join(draw.uniform(0.0, 0.5) * usual)
        kills += worker.exitcode is None
        worker.kill()
        worker.join()
    assert kills >= 2
    assert work(stormy, cache)["status"] == "complete"
    outcome = read_outcome(stormy / "trial")
    assert outcome is not None and outcome["budgets"] == BUDGETS
    for budget in BUDGETS:
        mine, theirs = read_record(stormy / "trial", budget), read_record(calm / "trial", budget)
        assert mine is not None and theirs is not None
        assert {n: v for n, v in mine.items() if "seconds" not in n} == {
            n: v for n, v in theirs.items() if "seconds" not in n
        }
        files = [budget_folder(root / "trial", budget) / "weights.safetensors" for root in (calm, stormy)]
        assert files[0].read_bytes() == files[1].read_bytes()
    curves = [read_curve(root / "trial") for root in (calm, stormy)]
    assert [row["epoch"] for row in curves[0]] == [1, 2, 3]
    assert [{**row, "seconds": 0} for row in curves[0]] == [{**row, "seconds": 0} for row in curves[1]]
