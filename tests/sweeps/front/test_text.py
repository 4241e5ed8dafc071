"""The front on a terminal, against a hand-made study: one budget, best first, nothing that collapsed."""

from __future__ import annotations

import pandas as pd

from prune_core.metrics import Direction
from sweeps.front.text import FrontTable, front_table

DECISIVE: dict[str, Direction] = {"val_accuracy": "max", "val_ece": "min", "nonzero_parameters": "min"}


def record(method: str, ratio: float, budget: int, accuracy: float, ece: float, parameters: int) -> dict[str, object]:
    arm = "net" if method in ("baseline", "control") else f"net-{method}"
    return {
        "key": f"{method}{ratio}",
        "arm": arm,
        "network": "net",
        "method": method,
        "ratio": ratio,
        "seed": 0,
        "budget": budget,
        "status": "complete",
        "val_accuracy": accuracy,
        "val_ece": ece,
        "val_mpc": 0.5,
        "nonzero_parameters": parameters,
        "delta_val_accuracy": accuracy - 0.91 if method != "baseline" else float("nan"),
    }


RECORDS = pd.DataFrame(
    [
        record("baseline", 0, 0, 0.90, 0.05, 1000),
        record("control", 0, 2, 0.91, 0.04, 1000),
        record("l1_filter", 0.5, 0, 0.60, 0.02, 600),  # on the front of the shorter budget only
        record("l1_filter", 0.5, 2, 0.88, 0.03, 600),
        record("l1_filter", 0.7, 2, 0.87, 0.06, 700),  # dominated
        record("l1_filter", 0.9, 2, 0.10, 0.00, 100),  # nobody smaller or better calibrated, and no use to anybody
    ]
)


def test_the_longest_budget_best_accuracy_first() -> None:
    found = front_table(RECORDS, DECISIVE, [0])
    rows, note = found.rows, found.note
    assert [row[0] for row in rows] == ["net control, 2 epochs", "net-l1_filter at 0.5, 2 epochs"]
    assert rows[1] == ("net-l1_filter at 0.5, 2 epochs", "0.8800", "0.0300", "0.5000", "600")
    assert "validation images" in note
    assert "2 epochs" in note
    assert "1 more lost over 10 points of accuracy against their control" in note
    assert "2 on the fronts of other budgets" in note  # and the baseline, which the control beats at the longest


def test_nothing_is_shown_before_a_candidate_is_complete() -> None:
    assert front_table(pd.DataFrame(), DECISIVE, [0]) == FrontTable()
    assert not front_table(RECORDS, DECISIVE, [0, 1])
    assert front_table(RECORDS, DECISIVE, [0, 1]).lines(9) == []


def test_who_has_no_number_to_compete_with_is_counted() -> None:
    unknown = RECORDS.assign(val_ece=RECORDS["val_ece"].mask(RECORDS["ratio"].ge(0.7)))
    found = front_table(unknown, DECISIVE, [0])
    assert [row[0] for row in found.rows] == ["net control, 2 epochs", "net-l1_filter at 0.5, 2 epochs"]
    assert "; 2 without val_ece in every seed do not compete" in found.note
    assert "do not compete" not in front_table(RECORDS, DECISIVE, [0]).note


def test_the_note_says_when_the_report_images_chose() -> None:
    report = RECORDS.rename(columns=lambda name: name.removeprefix("val_"))
    found = front_table(report, {"accuracy": "max", "ece": "min"}, [0], "report")
    assert "the report images, which also chose" in found.note


def test_a_column_in_which_nobody_has_a_number_is_not_shown() -> None:
    assert front_table(RECORDS, DECISIVE, [0]).heads == ("", "accuracy", "ECE", "mPC", "nonzero parameters")
    for judged in (RECORDS.assign(val_mpc=float("nan")), RECORDS.drop(columns="val_mpc")):  # a study without corruptions
        found = front_table(judged, DECISIVE, [0])
        assert found.heads == ("", "accuracy", "ECE", "nonzero parameters")
        assert found.rows[1] == ("net-l1_filter at 0.5, 2 epochs", "0.8800", "0.0300", "600")
        assert "mPC" not in "\n".join(found.lines(9))
    partly = RECORDS.assign(val_mpc=RECORDS["val_mpc"].mask(RECORDS["method"].eq("control")))
    assert [row[3] for row in front_table(partly, DECISIVE, [0]).rows] == ["-", "0.5000"]
