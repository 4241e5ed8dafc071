"""Ratios as decimals, exact counts, ties by index, the rule of the paper: hand-made cases and a plain reference."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prune_core.base.errors import BadInput, Diverged
from prune_core.pruning.ratio import canonical, kept_count, parse_ratio, removed_count
from prune_core.pruning.selection import check_finite, keep_at_least, keep_each, keep_pooled, rounded_up


def kept_of(values: list[float], remove: int, rule: str = "exact") -> list[int]:
    kept = keep_pooled({"layer": torch.tensor(values)}, remove, rule)["layer"]  # type: ignore[arg-type]
    return kept.nonzero().flatten().tolist()


@pytest.mark.parametrize(("width", "ratio", "kept"), [(10, "0.9", 1), (100, "0.29", 71), (64, "0.1", 57), (16, "0.7", 4)])
def test_kept_filters_have_no_float_hazard(width: int, ratio: str, kept: int) -> None:
    # int(10 * (1 - 0.9)) is 0 in floating point.
    assert kept_count(width, parse_ratio(ratio)) == kept
    assert kept_count(width, parse_ratio(float(ratio))) == kept


def test_removed_weights_have_no_float_hazard() -> None:
    assert int(100 * 0.29) == 28
    assert removed_count(100, parse_ratio(0.29)) == 29
    # int(N r) for the convolution weights of PreResNet-110, pruned by 10 to 70 % as by Mitra, Schwalbe and Klein 2024
    tenths = [removed_count(1_128_112, parse_ratio(f"0.{tenth}")) for tenth in range(1, 8)]
    assert tenths == [112_811, 225_622, 338_433, 451_244, 564_056, 676_867, 789_678]


@given(st.integers(1, 10**8), st.integers(0, 999))
def test_counts_agree_with_fractions(total: int, thousandths: int) -> None:
    ratio = Decimal(thousandths) / 1000
    share = Fraction(thousandths, 1000)
    assert removed_count(total, ratio) == share * total // 1
    assert kept_count(total, ratio) == (1 - share) * total // 1


@pytest.mark.parametrize("ratio", [-0.1, 1, "1.0", "nan", "inf", "half", True, None, ""])
def test_ratio_outside_is_bad_input(ratio: object) -> None:
    with pytest.raises(BadInput, match=r"\[0, 1\)"):
        parse_ratio(ratio)  # type: ignore[arg-type]


def test_one_text_per_ratio() -> None:
    written = (0.5, "0.50", Decimal("5E-1"), 0, "0.00")
    assert [canonical(parse_ratio(ratio)) for ratio in written] == ["0.5", "0.5", "0.5", "0", "0"]


def test_ties_go_by_index_lowest_first() -> None:
    assert kept_of([1, 1, 1, 1], 2) == [2, 3]
    assert kept_of([2, 1, 1, 3, 1], 2) == [0, 3, 4]


def test_ties_between_layers_go_to_the_earlier_layer() -> None:
    kept = keep_pooled({"first": torch.ones(2), "second": torch.ones(2)}, 3)
    assert kept["first"].tolist() == [False, False]
    assert kept["second"].tolist() == [False, True]


def test_the_studys_rule_takes_ties_along() -> None:
    # With k = 1 the threshold is the second smallest score, 1, and only what is strictly above stays.
    assert kept_of([0, 1, 1, 2], removed_count(4, Decimal("0.25"), "paper"), "paper") == [3]
    assert kept_of([0, 1, 2, 3], removed_count(4, Decimal("0.25"), "paper"), "paper") == [2, 3]
    assert kept_of([0, 1, 2, 3], removed_count(4, Decimal("0"), "paper"), "paper") == [0, 1, 2, 3]


def test_each_layer_by_itself() -> None:
    kept = keep_each({"a": torch.tensor([1.0, 2, 3]), "b": torch.tensor([10.0, 20, 30])}, {"a": 0, "b": 2})
    assert kept["a"].tolist() == [True, True, True]
    assert kept["b"].tolist() == [False, False, True]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.data())
def test_equals_a_stable_sort(values: list[int], data: st.DataObject) -> None:
    remove = data.draw(st.integers(0, len(values)))
    order = sorted(range(len(values)), key=lambda i: values[i])
    assert kept_of([float(v) for v in values], remove) == sorted(order[remove:])


def test_rescue_gives_back_the_highest() -> None:
    scores = {"a": torch.tensor([1.0, 3.0, 2.0]), "b": torch.tensor([9.0, 8.0])}
    kept = keep_at_least({name: values > 8.5 for name, values in scores.items()}, scores, {"a": 1, "b": 1})
    assert kept["a"].tolist() == [False, True, False]
    assert kept["b"].tolist() == [True, False]


@pytest.mark.parametrize(
    ("count", "multiple", "width", "rounded"), [(9, 8, 64, 16), (8, 8, 64, 8), (30, 8, 30, 30), (5, 1, 9, 5)]
)
def test_rounding_up_to_a_multiple(count: int, multiple: int, width: int, rounded: int) -> None:
    assert rounded_up(count, multiple, width) == rounded


def test_scores_that_are_no_numbers_mean_diverged() -> None:
    with pytest.raises(Diverged, match="stem"):
        check_finite({"stem": torch.tensor([1.0, float("nan")])})
