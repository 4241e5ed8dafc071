"""What Optuna's rows say beside what a search is told: when trials ran, report numbers, runs in MLflow."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.exceptions import UpdateFinishedTrialError

from prune_core.base.files import write_json
from sweeps.plan.trials import PlannedTrial
from sweeps.search.candidate_values import candidate_values
from sweeps.search.optuna_study import RUNS, OptunaBooks
from sweeps.search.space import ArmSpace, Space

UNUSED: Any = None
SPACE = Space((ArmSpace("a-l1", ("0.3", "0.5"), (0, 2)),))
OBJECTIVES = [("val_accuracy", "max"), ("nonzero_parameters", "min")]


def write_trial(out: Path, key: str, begun: float, judged: dict[int, float], accuracy: float) -> PlannedTrial:
    folder = out / "trials" / key
    write_json(folder / "description.json", {})
    os.utime(folder / "description.json", (begun, begun))
    for budget, moment in judged.items():
        record = folder / f"budget-{budget:04d}" / "record.json"
        write_json(record, {"val_accuracy": accuracy, "accuracy": accuracy + 0.01, "nonzero_parameters": 7})
        os.utime(record, (moment, moment))
    write_json(folder / "outcome.json", {"status": "complete", "budgets": list(judged)})
    return PlannedTrial(key, key, "pruned", "a-l1", "vgg", "l1", "0.3", 0, tuple(judged), (), UNUSED, "base")


def rows(out: Path) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name="toy", storage=f"sqlite:///{out / 'optuna.db'}").trials


def test_a_row_says_when_its_trials_ran_what_was_reported_and_which_runs_it_has(tmp_path: Path) -> None:
    start = datetime(2026, 3, 1, 12).timestamp()
    trials = [
        write_trial(tmp_path, "a", start, {0: start + 10, 2: start + 60}, 0.8),
        write_trial(tmp_path, "b", start + 5, {0: start + 20, 2: start + 90}, 0.9),
    ]
    books = OptunaBooks("toy", tmp_path, None, space=SPACE, objectives=OBJECTIVES)
    short, long = (next(each for each in SPACE.candidates() if each.ratio == "0.3" and each.budget == at) for at in (0, 2))
    known = {
        each.key: candidate_values(trials, each.budget, ["val_accuracy", "nonzero_parameters"], tmp_path)
        for each in (short, long)
    }
    books.reconcile(known, taken_up=())
    first, second = rows(tmp_path)
    assert first.datetime_start == second.datetime_start == datetime(2026, 3, 1, 12)
    assert first.duration is not None and first.duration.total_seconds() == pytest.approx(20)
    assert second.duration is not None and second.duration.total_seconds() == pytest.approx(90)
    assert second.user_attrs["report.accuracy"] == pytest.approx(0.86)
    assert second.values == [pytest.approx(0.85), 7.0]
    books.note_runs({long.key: ["run1", "run2"], "nobody": ["x"]})
    assert [row.user_attrs.get(RUNS) for row in rows(tmp_path)] == [None, ["run1", "run2"]]
    with pytest.raises(UpdateFinishedTrialError):  # only notes reach a row that has ended
        books.study._storage.set_trial_user_attr(second._trial_id, "other", 1)
