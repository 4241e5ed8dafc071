"""Early stopping: who goes on is worked out by hand; a run that was killed decides as an undisturbed one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import optuna
import pytest

from prune_core.base.errors import BadInput
from prune_core.base.files import write_json
from prune_core.base.trial_folder import read_outcome
from sweeps.folder.paths import store_folder, trial_folder
from sweeps.plan.plan import make_plan
from sweeps.plan.state import final_status
from sweeps.plan.trials import PlannedTrial
from sweeps.run.books import Books
from sweeps.run.driver import _workload
from sweeps.search.stopping_rule import goes_on, last_rank, ranks
from sweeps.study.model import Study, load_study

SMALL = """
name: mine
data: {name: digits, validation: 200, test: 200}
networks: {small_vgg: {options: {width: 4}}}
arms: [{methods: [unstructured, l1_filter]}]
training: {epochs: 1}
ratios: [0.2, 0.4, 0.6, 0.8]
budgets: [0, 1, 3]
seeds: [0, 1]
objectives: [accuracy, nonzero_parameters]
evaluation: {corruptions: none}
search: {early_stopping: 0.5}
"""


@pytest.fixture(scope="module")
def empty_storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("storage")
    optuna.storages.RDBStorage(f"sqlite:///{folder / 'optuna.db'}").engine.dispose()
    return folder / "optuna.db"


def study(folder: Path, *overrides: str) -> Study:
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / "mine.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return load_study(path, overrides)


def measured(trial: PlannedTrial, budget: int) -> dict[str, float]:
    """Filters cost more accuracy than weights and save as much: at every ratio they are the worse half."""
    ratio, worse = float(trial.ratio), trial.method == "l1_filter"
    accuracy = 0.9 - 0.3 * ratio - 0.2 * worse + 0.01 * budget + (0.02 if trial.seed else -0.02)
    return {"val_accuracy": accuracy, "accuracy": accuracy, "nonzero_parameters": 1000 * (1 - ratio), "parameters": 1000.0}


def run(out: Path, of: Study, storage: Path, *, killed_after: int = 10**6) -> list[tuple[str, int]]:
    """Run a study with trials that only write down numbers; return (name, longest budget) of each, in order."""
    out.mkdir(exist_ok=True, parents=True)
    if not (out / "optuna.db").exists():
        shutil.copy(storage, out / "optuna.db")
    plan = make_plan(of, out)
    for trial in plan.trials:
        write_json(store_folder(out) / trial.baseline_key / "meta.json", {})
    workload = _workload(plan, Books.open(of, plan, out), out)
    ran: list[tuple[str, int]] = []
    while (given := workload.next()) is not None and len(ran) < killed_after:
        trial = given
        folder = trial_folder(out, trial.key)
        write_json(folder / "description.json", trial.description.to_plain())
        for budget in trial.budgets:
            write_json(folder / f"budget-{budget:04d}" / "record.json", measured(trial, budget))
        write_json(folder / "outcome.json", {"status": "complete", "cause": None, "budgets": list(trial.budgets)})
        ran.append((trial.name, trial.budgets[-1]))
        workload.finished(trial.key, final_status(trial, out))
    return ran


def outcomes(out: Path) -> dict[str, dict[str, object]]:
    return {path.parent.name: json.loads(path.read_text()) for path in out.glob("trials/*/outcome.json")}


def test_ranks_and_who_goes_on_by_hand() -> None:
    # accuracy up, size down: (9, 5) and (5, 1) are the front; (8, 6), (5, 2) behind it; (1, 9) last
    points = [[9, 5], [8, 6], [5, 1], [1, 9], [5, 2]]
    found = ranks(points, ["max", "min"])
    assert found.tolist() == [1, 2, 1, 3, 2]
    assert [last_rank(found, keep) for keep in (0.1, 0.4, 0.41, 0.8, 0.9, 1.0)] == [1, 1, 2, 2, 3, 3]
    assert goes_on(points, ["max", "min"], 0.5).tolist() == [True, True, True, False, True]
    assert goes_on(np.zeros((0, 2)), ["max", "min"], 0.5).tolist() == []
    # equals share their fate
    assert goes_on([[1, 1], [1, 1], [0, 2]], ["max", "min"], 0.1).tolist() == [True, True, False]


def test_a_grid_stops_the_worse_half_at_the_first_budget_and_says_why(tmp_path: Path, empty_storage: Path) -> None:
    of, out = study(tmp_path), tmp_path / "runs" / "mine"
    run(out, of, empty_storage)
    plan = make_plan(of, out)
    for trial in plan.trials:
        outcome = read_outcome(trial_folder(out, trial.key))
        assert outcome is not None
        if trial.method == "l1_filter":
            assert outcome["status"] == "stopped" and outcome["budgets"] == [0]
            # unstructured at the same ratio beats it; nothing beats unstructured: ranks 1 and 2 of 2, four of eight go on
            assert outcome["cause"] == (
                "stopped at budget 0: non-dominated rank 2 of 2 among 8 candidates, ranks up to 1 go on (early_stopping 0.5)"
            )
        else:
            assert outcome["status"] == "complete" and outcome["budgets"] == list(trial.budgets)
    records = Books.open(of, plan, out)._records()
    stopped = records[records["status"].eq("stopped")]
    assert set(stopped["method"]) == {"l1_filter"} and set(stopped["budget"]) == {1, 3}
    assert stopped["cause"].str.startswith("stopped at budget 0").all() and stopped["val_accuracy"].isna().all()
    assert records[records["method"].eq("l1_filter") & records["budget"].eq(0)]["status"].eq("complete").all()
    rows = optuna.load_study(study_name="mine", storage=f"sqlite:///{out / 'optuna.db'}").trials
    assert sorted(row.state.name for row in rows) == ["COMPLETE"] * 4 + ["PRUNED"] * 4


@pytest.mark.parametrize("killed_after", [9, 20, 23])
def test_a_killed_grid_decides_as_an_undisturbed_one_and_does_nothing_twice(
    tmp_path: Path, empty_storage: Path, killed_after: int
) -> None:
    of = study(tmp_path)
    whole = run(tmp_path / "a" / "mine", of, empty_storage)
    first = run(tmp_path / "b" / "mine", of, empty_storage, killed_after=killed_after)
    rest = run(tmp_path / "b" / "mine", of, empty_storage)
    assert sorted(first + rest) == sorted(whole)
    assert outcomes(tmp_path / "b" / "mine") == outcomes(tmp_path / "a" / "mine")
    assert run(tmp_path / "b" / "mine", of, empty_storage) == []
    rows = optuna.load_study(study_name="mine", storage=f"sqlite:///{tmp_path / 'b' / 'mine' / 'optuna.db'}").trials
    assert len(rows) == 8


def test_without_early_stopping_or_with_another_rule_what_was_stopped_goes_on(tmp_path: Path, empty_storage: Path) -> None:
    out = tmp_path / "runs" / "mine"
    run(out, study(tmp_path), empty_storage)
    softer = run(out, study(tmp_path, "search.early_stopping=0.9"), empty_storage)
    assert {name.split("-r")[0] for name, _ in softer} == {"small_vgg-l1_filter"}
    assert [budget for _, budget in softer] == [1] * 8 + [3] * 8
    off = tmp_path / "off" / "mine"
    run(off, study(tmp_path), empty_storage)
    assert [budget for _, budget in run(off, study(tmp_path, "search.early_stopping=null"), empty_storage)] == [3] * 8
    assert {outcome["status"] for outcome in outcomes(off).values()} == {"complete"}


@pytest.mark.parametrize("killed_after", [9, 15, 20])
def test_a_killed_search_in_batches_asks_and_decides_as_an_undisturbed_one(
    tmp_path: Path, empty_storage: Path, killed_after: int
) -> None:
    of = study(
        tmp_path,
        "search={kind: optuna, candidates: 8, batch: 4, early_stopping: 0.25, seed: 0}",
        "seeds=[0]",
        "ratios=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]",
    )
    whole = run(tmp_path / "a" / "mine", of, empty_storage)
    first = run(tmp_path / "b" / "mine", of, empty_storage, killed_after=killed_after)
    rest = run(tmp_path / "b" / "mine", of, empty_storage)
    assert sorted(first + rest) == sorted(whole)
    assert outcomes(tmp_path / "b" / "mine") == outcomes(tmp_path / "a" / "mine")
    states = []
    for folder in ("a", "b"):
        rows = optuna.load_study(study_name="mine", storage=f"sqlite:///{tmp_path / folder / 'mine' / 'optuna.db'}").trials
        states.append([(row.user_attrs["prunefront.candidate"], row.state.name) for row in rows])
    assert states[0] == states[1] and len(states[0]) == 8
    assert {state for _, state in states[0]} == {"COMPLETE", "PRUNED"}


def test_a_failed_seed_ends_its_candidate_and_nobody_waits_for_it(tmp_path: Path, empty_storage: Path) -> None:
    of, out = study(tmp_path, "ratios=[0.2, 0.4]"), tmp_path / "runs" / "mine"
    broken = next(trial for trial in make_plan(of).trials if trial.kind == "pruned" and trial.seed == 1)
    write_json(trial_folder(out, broken.key) / "outcome.json", {"status": "failed", "cause": "broken", "budgets": []})
    ran = run(out, of, empty_storage)
    other = broken.name.replace("-s1", "-s0")
    assert (other, 0) in ran and (other, 1) not in ran
    assert ("small_vgg-unstructured-r0.40-s1", 3) in ran or ("small_vgg-unstructured-r0.20-s1", 3) in ran


def test_where_a_short_budget_is_no_beginning_of_a_longer_one_nothing_can_be_stopped(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"search\.early_stopping: as arms\.0 is fine-tuned"):
        study(tmp_path, "fine_tuning.schedule=cosine")
    with pytest.raises(BadInput, match=r"search\.early_stopping: there is one budget"):
        study(tmp_path, "budgets=[2]")
