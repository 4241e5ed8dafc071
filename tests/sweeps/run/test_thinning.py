from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from prune_core.base.trial_folder import LOGITS, RECORD, WEIGHTS, budget_folder
from sweeps.folder.paths import trial_folder
from sweeps.run.thinning import thin

FILES = (*LOGITS, WEIGHTS, RECORD)


def study(keep: str) -> Any:
    objectives = {"val_accuracy": "max", "nonzero_parameters": "min"}
    return SimpleNamespace(
        keep=keep,
        decisive=objectives,
        objectives=objectives,
        seeds=(0,),
        parsed_limits=(),
        margins={},
        select_on="validation",
    )


def trial(key: str, kind: str) -> Any:
    return SimpleNamespace(key=key, kind=kind, budgets=(1,))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    for key in ("control", "good", "bad"):
        folder = budget_folder(trial_folder(tmp_path, key), 1)
        folder.mkdir(parents=True)
        for name in FILES:
            (folder / name).touch()
    return tmp_path


def records() -> pd.DataFrame:
    # "bad" is as large as "good" and worse
    rows = [("control", "control", 0.9, 100), ("good", "l1_filter", 0.8, 50), ("bad", "random_filters", 0.5, 50)]
    return pd.DataFrame(
        [
            {
                "key": key,
                "arm": key,
                "network": "net",
                "method": method,
                "ratio": 0.5,
                "seed": 0,
                "budget": 1,
                "status": "complete",
                "val_accuracy": accuracy,
                "nonzero_parameters": size,
            }
            for key, method, accuracy, size in rows
        ]
    )


@pytest.mark.parametrize(
    ("keep", "left"), [("all", {"control", "good", "bad"}), ("front", {"control", "good"}), ("none", set())]
)
def test_weights_and_logits_go_as_the_study_says_and_records_stay(out: Path, keep: str, left: set[str]) -> None:
    trials = [trial("control", "control"), trial("good", "pruned"), trial("bad", "pruned")]
    gone = thin(study(keep), out, trials, records()).gone
    assert gone == (3 - len(left)) * (len(FILES) - 1)
    for each in trials:
        folder = budget_folder(trial_folder(out, each.key), 1)
        assert (folder / RECORD).exists()
        assert (folder / WEIGHTS).exists() == (each.key in left)


def test_keep_front_keeps_the_recommended_network_that_is_not_on_the_front(out: Path) -> None:
    # "bad" has more nonzero parameters than "good" and answers worse, but its file is the smaller one: it is the answer
    table = records().assign(
        val_accuracy=[0.9, 0.9, 0.895],
        nonzero_parameters=[100, 40, 50],
        size_bytes=[400, 400, 200],
        delta_val_accuracy=[0.0, 0.0, -0.005],
    )
    trials = [trial("control", "control"), trial("good", "pruned"), trial("bad", "pruned")]
    assert thin(study("front"), out, trials, table).gone == 0
