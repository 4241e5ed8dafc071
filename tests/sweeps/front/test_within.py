"""No dead ends: which limit fails, who is nearest and by how much, and whether a network that is not pruned would do."""

from __future__ import annotations

from typing import Any

import pandas as pd

from sweeps.front.within import limit_lines
from sweeps.study.values import parse_limit


def record(arm: str, method: str, ratio: float, size: int, accuracy: float, worst: float, report: float) -> dict[str, Any]:
    return {
        "key": f"{arm}{ratio}",
        "arm": arm,
        "network": "net",
        "method": method,
        "ratio": ratio,
        "seed": 0,
        "budget": 0,
        "status": "complete",
        "size_bytes": size,
        "val_accuracy": accuracy,
        "accuracy": accuracy,
        "val_worst_corruption_accuracy": worst,
        "worst_corruption_accuracy": report,
    }


RECORDS = pd.DataFrame(
    [
        record("net", "baseline", 0, 40000, 0.97, 0.95, 0.5),
        record("half", "dense", 0, 15000, 0.93, 0.9, 0.45),
        record("net-l1_filter", "l1_filter", 0.5, 26600, 0.95, 0.95, 0.345),
        record("net-l1_filter", "l1_filter", 0.9, 9000, 0.30, 0.2, 0.1),
    ]
)
EVALUATION = {"corruptions": "generated", "selection_corruptions": ["contrast", "fog"]}


def lines(*limits: str) -> list[str]:
    demanded = [parse_limit(text) for text in limits]
    return limit_lines(RECORDS, {"val_accuracy": "max"}, [0], "validation", demanded, EVALUATION)


def test_the_nearest_candidate_is_named_with_what_it_misses_and_the_dense_network_that_would_do():
    said = "\n".join(lines("size_bytes <= 20000", "val_accuracy >= 0.9"))
    # 26,600 misses 20,000 by 33 %, an accuracy of .3 misses .9 by two thirds
    assert "each is met by some of 2: size_bytes <= 20000 by 1, val_accuracy >= 0.9 by 1" in said
    assert "Nearest is net-l1_filter at 0.5, 0 epochs: size_bytes is 26,600 bytes" in said
    assert "6,600 bytes too much (33 % of the limit)" in said
    assert "Not pruned, half dense meets all of them." in said


def test_a_limit_that_nobody_meets_is_named():
    said = "\n".join(lines("size_bytes <= 8000", "val_accuracy >= 0.2"))
    assert "no pruned candidate meets them: size_bytes <= 8000 is met by none of 2." in said
    assert "Nearest is net-l1_filter at 0.9, 0 epochs" in said
    assert "1,000 bytes too much" in said
    assert "Not pruned" not in said


def test_report_numbers_that_disagree_are_a_warning_with_both_sets_of_images():
    said = "\n".join(lines("val_worst_corruption_accuracy >= 0.4"))
    assert "1 of 2 pruned candidates meet them all" in said
    assert "net-l1_filter at 0.5, 0 epochs: worst_corruption_accuracy is 0.345 (limit >= 0.4)" in said
    assert "validation images under contrast, fog" in said
    assert "test images under the 15 of the benchmark" in said


def test_a_study_without_limits_says_nothing():
    assert lines() == []
