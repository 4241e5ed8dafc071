"""Limits against numbers by hand: what decides, what the report says, and what is missing."""

from __future__ import annotations

import pytest

from sweeps.front.limits import MET, MISSED, NOT_ON_REPORT, contradicted, unmet, verdict_word, verdicts
from sweeps.study.values import parse_limit

LIMITS = [parse_limit(text) for text in ("size_bytes <= 20000", "val_worst_corruption_accuracy >= 0.4")]
GOOD = {"size_bytes": 18000.0, "val_worst_corruption_accuracy": 0.95, "worst_corruption_accuracy": 0.345}


def test_met_by_the_images_that_select_and_not_by_the_report_is_said():
    found = verdicts(GOOD, LIMITS)
    assert [one.met for one in found] == [True, True]
    assert verdict_word(found) == NOT_ON_REPORT
    assert contradicted(GOOD, LIMITS) == ["worst_corruption_accuracy is 0.345 (limit >= 0.4)"]
    assert verdict_word(verdicts({**GOOD, "worst_corruption_accuracy": 0.4}, LIMITS)) == MET
    assert verdict_word(verdicts({**GOOD, "size_bytes": 20001.0}, LIMITS)) == MISSED


def test_a_study_that_selects_on_the_report_contradicts_nothing():
    limit = [parse_limit("worst_corruption_accuracy >= 0.3")]
    assert verdict_word(verdicts(GOOD, limit, "report")) == MET


def test_what_is_missing_is_a_share_of_the_bound():
    large = verdicts({"size_bytes": 26600.0}, LIMITS)
    assert large[0].missing == pytest.approx(0.33)
    assert large[1].missing == float("inf")  # not measured
    assert unmet({"size_bytes": 26600.0}, LIMITS) == [
        "size_bytes is 26,600 bytes (limit size_bytes <= 20000)",
        "val_worst_corruption_accuracy was not measured (limit val_worst_corruption_accuracy >= 0.4)",
    ]


def test_a_number_that_rounds_onto_the_bound_shows_on_which_side_it_lies():
    (said,) = unmet({"val_accuracy": 0.899996}, [parse_limit("val_accuracy >= 0.9")])
    assert said == "val_accuracy is 0.899996 (limit val_accuracy >= 0.9)"
