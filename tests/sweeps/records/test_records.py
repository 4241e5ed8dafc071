"""The table of records, against folders written by hand and numbers computed by hand."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from prune_core.base.files import write_json
from sweeps.plan.plan import Plan, make_plan
from sweeps.plan.trials import PlannedTrial
from sweeps.records.collect import collect, read_records, write_records
from sweeps.records.columns import delta_columns, measured_columns, record_columns
from sweeps.study.model import load_study

STUDY = """
name: mine
data: {name: digits, validation: 200, test: 200}
networks: {small_vgg: {options: {width: 4}}}
arms: [{methods: [unstructured]}]
ratios: [0.5]
budgets: [0, 2]
seeds: [0, 1]
"""


@pytest.fixture(name="plan")
def _plan(tmp_path: Path) -> Plan:
    (tmp_path / "mine.yaml").write_text(STUDY, encoding="utf-8")
    return make_plan(load_study(tmp_path / "mine.yaml"))


def record(folder: Path, trial: PlannedTrial, budget: int, **columns: Any) -> None:
    write_json(folder / "trials" / trial.key / f"budget-{budget:04d}" / "record.json", {"budget": budget, **columns})


def outcome(folder: Path, trial: PlannedTrial, status: str, cause: str | None = None) -> None:
    write_json(folder / "trials" / trial.key / "outcome.json", {"status": status, "cause": cause, "budgets": []})


def named(plan: Plan, name: str) -> PlannedTrial:
    return next(trial for trial in plan.trials if trial.name == name)


def filled(plan: Plan, out: Path) -> Path:
    """Seed 0 is whole; of seed 1 the control lacks budget 2 and the pruned trial diverged on its way there."""
    numbers = {
        "small_vgg-baseline-s0": {0: (0.97, 0.02)},
        "small_vgg-control-s0": {0: (0.97, 0.02), 2: (0.98, 0.03)},
        "small_vgg-unstructured-r0.50-s0": {0: (0.90, 0.05), 2: (0.96, 0.01)},
        "small_vgg-control-s1": {0: (0.95, 0.04)},
        "small_vgg-unstructured-r0.50-s1": {0: (0.85, 0.10)},
    }
    for name, budgets in numbers.items():
        trial = named(plan, name)
        for budget, (accuracy, ece) in budgets.items():
            record(
                out,
                trial,
                budget,
                accuracy=accuracy,
                ece=ece,
                val_accuracy=accuracy / 2,
                worst_corruption="fog",
                parameters=1000,
            )
        outcome(out, trial, "complete")
    outcome(out, named(plan, "small_vgg-unstructured-r0.50-s1"), "diverged", "the loss is not finite")
    outcome(out, named(plan, "small_vgg-baseline-s1"), "failed", "no memory")
    return out


def row(table: pd.DataFrame, trial: PlannedTrial, budget: int) -> pd.Series:
    found = table[(table["key"] == trial.key) & (table["budget"] == budget)]
    assert len(found) == 1
    return found.iloc[0]


def test_the_columns_are_the_contracts(plan: Plan, tmp_path: Path) -> None:
    table = collect(tmp_path, plan.trials, study="mine")
    assert list(table.columns) == record_columns()
    assert len(set(record_columns())) == len(record_columns())
    named_in_contract = [
        "key",
        "study",
        "arm",
        "network",
        "method",
        "ratio",
        "seed",
        "budget",
        "status",
        "cause",
        "accuracy",
        "ece",
        "ece_mass",
        "ece_debiased",
        "nll",
        "brier",
        "mean_confidence",
        "temperature",
        "ece_t",
        "nll_t",
        "train_accuracy",
        "train_nll",
        "mpc",
        "rpc",
        *(f"mpc_s{s}" for s in range(1, 6)),
        "corruption_ece",
        *(f"corruption_ece_s{s}" for s in range(1, 6)),
        "worst_corruption",
        "worst_corruption_accuracy",
        "parameters",
        "nonzero_parameters",
        "macs",
        "nonzero_macs",
        "sparsity",
        "compression",
        "size_bytes",
        "delta_accuracy",
        "delta_ece",
        "delta_mpc",
        "train_seconds",
        "evaluate_seconds",
        "mlflow_run_id",
        "val_accuracy",
        "val_ece",
        "val_mpc",
        "val_worst_corruption_accuracy",
        "val_ece_t",
    ]
    assert set(named_in_contract) <= set(table.columns)
    assert not {"val_mpc_s1", "val_corruption_ece_s5", "val_parameters"} & set(table.columns)
    assert len(table) == 0
    assert set(measured_columns()) <= set(record_columns())


def test_deltas_are_against_the_control_of_the_same_seed_and_budget(plan: Plan, tmp_path: Path) -> None:
    table = collect(filled(plan, tmp_path), plan.trials, study="mine")
    pruned = named(plan, "small_vgg-unstructured-r0.50-s0")
    assert row(table, pruned, 0)["delta_accuracy"] == pytest.approx(0.90 - 0.97)
    assert row(table, pruned, 2)["delta_accuracy"] == pytest.approx(0.96 - 0.98)
    assert row(table, pruned, 2)["delta_ece"] == pytest.approx(0.01 - 0.03)
    assert row(table, pruned, 2)["delta_val_accuracy"] == pytest.approx((0.96 - 0.98) / 2)
    other = named(plan, "small_vgg-unstructured-r0.50-s1")
    assert row(table, other, 0)["delta_accuracy"] == pytest.approx(0.85 - 0.95)
    control = named(plan, "small_vgg-control-s0")
    assert row(table, control, 2)["delta_accuracy"] == 0.0
    baseline = row(table, named(plan, "small_vgg-baseline-s0"), 0)
    assert all(math.isnan(baseline[column]) for column in delta_columns())


def test_corrupted_test_images_have_numbers_where_the_study_judges_them(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(STUDY, encoding="utf-8")
    few = make_plan(load_study(tmp_path / "mine.yaml", ["evaluation.report_budgets=[2]"]))
    pruned, control = named(few, "small_vgg-unstructured-r0.50-s0"), named(few, "small_vgg-control-s0")
    for trial in (pruned, control):  # as a shorter study left it, which judged them at budget 0 too
        for budget in (0, 2):
            record(tmp_path, trial, budget, accuracy=0.9, mpc=0.5, worst_corruption="fog", val_mpc=0.4)
    table = collect(tmp_path, few.trials, study="mine")
    assert math.isnan(row(table, pruned, 0)["mpc"]) and math.isnan(row(table, pruned, 0)["delta_mpc"])
    assert row(table, pruned, 0)["worst_corruption"] is pd.NA
    assert (row(table, pruned, 0)["accuracy"], row(table, pruned, 0)["val_mpc"]) == (0.9, 0.4)
    assert (row(table, pruned, 2)["mpc"], row(table, pruned, 2)["delta_mpc"]) == (0.5, 0.0)
    assert row(table, control, 0)["mpc"] == 0.5, "unpruned networks are judged once, on everything"


def test_what_failed_is_a_row_with_its_cause_and_no_numbers(plan: Plan, tmp_path: Path) -> None:
    table = collect(filled(plan, tmp_path), plan.trials, study="mine")
    diverged = named(plan, "small_vgg-unstructured-r0.50-s1")
    late = row(table, diverged, 2)
    assert (late["status"], late["cause"]) == ("diverged", "the loss is not finite")
    assert math.isnan(late["accuracy"]) and math.isnan(late["delta_accuracy"]) and pd.isna(late["worst_corruption"])
    early = row(table, diverged, 0)
    assert early["status"] == "complete" and early["accuracy"] == 0.85
    failed = row(table, named(plan, "small_vgg-baseline-s1"), 0)
    assert (failed["status"], failed["cause"]) == ("failed", "no memory")
    # the control of seed 1 has not reached budget 2 yet: no row, neither complete nor failed
    assert len(table[table["key"] == named(plan, "small_vgg-control-s1").key]) == 1
    assert len(table) == 1 + 2 + 2 + 1 + 2 + 1


def test_identity_and_run_ids(plan: Plan, tmp_path: Path) -> None:
    pruned = named(plan, "small_vgg-unstructured-r0.50-s0")
    table = collect(filled(plan, tmp_path), plan.trials, study="mine", run_ids={pruned.key: "abc"})
    found = row(table, pruned, 2)
    assert (found["study"], found["arm"], found["network"], found["method"]) == (
        "mine",
        "small_vgg-unstructured",
        "small_vgg",
        "unstructured",
    )
    assert (found["ratio"], found["seed"], found["budget"], found["mlflow_run_id"]) == (0.5, 0, 2, "abc")
    assert row(table, named(plan, "small_vgg-control-s0"), 0)["method"] == "control"


def test_what_is_no_longer_asked_for_leaves_the_table(plan: Plan, tmp_path: Path) -> None:
    out = filled(plan, tmp_path)
    shrunk = [trial for trial in plan.trials if trial.seed == 0]
    assert set(collect(out, shrunk, study="mine")["seed"]) == {0}


def test_the_files_hold_the_table_and_do_not_depend_on_the_order_of_trials(plan: Plan, tmp_path: Path) -> None:
    out = filled(plan, tmp_path)
    table = collect(out, plan.trials, study="mine")
    write_records(table, out)
    first = [(out / name).read_bytes() for name in ("records.parquet", "records.csv")]
    pd.testing.assert_frame_equal(read_records(out), table, check_dtype=False)
    again = pd.read_csv(out / "records.csv")
    assert list(again.columns) == list(table.columns)
    assert again["accuracy"].tolist() == pytest.approx(table["accuracy"].tolist(), nan_ok=True)
    write_records(collect(out, reversed(plan.trials), study="mine"), out)
    assert [(out / name).read_bytes() for name in ("records.parquet", "records.csv")] == first
    assert not list(out.glob(".*"))


def test_half_a_record_is_no_record(plan: Plan, tmp_path: Path) -> None:
    out = filled(plan, tmp_path)
    pruned = named(plan, "small_vgg-unstructured-r0.50-s0")
    path = out / "trials" / pruned.key / "budget-0002" / "record.json"
    path.write_text(path.read_text(encoding="utf-8")[:20], encoding="utf-8")
    assert collect(out, [pruned], study="mine")["budget"].tolist() == [0]


def test_tables_need_neither_ray_nor_torch() -> None:
    heavy = "{'ray', 'torch', 'mlflow', 'optuna'}"
    code = f"import sys, sweeps.records.collect, sweeps.records.columns; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
