"""Grid and random proposals, and the space they choose from."""

from __future__ import annotations

from typing import Any

import pytest

from prune_core.base.errors import BadInput
from sweeps.search.search import ArmSpace, Candidate, Choices, GridSearch, RandomSearch, Space, Span

ARMS = (
    ArmSpace("vgg-l1", ("0.3", "0.5", "0.9"), (0, 2)),
    ArmSpace("vgg-slim", ("0.5",), (0, 2), {"batch_size": Choices((32, 64))}),
)
SPACE = Space(ARMS)
RATES = Space((ArmSpace("net", ("0.5",), (2,), fine_tuning={"learning_rate": Span(1e-4, 1e-1, log=True)}),))


def keys(candidates):
    return [candidate.key for candidate in candidates]


def test_the_space_counts_and_lists_what_a_hand_count_gives():
    assert SPACE.size == 3 * 2 + 1 + 2  # nothing is fine-tuned at budget 0, so there is one candidate and not two
    listed = keys(SPACE.candidates())
    assert len(set(listed)) == 9
    assert listed[:3] == ["vgg-l1|0.3|0", "vgg-l1|0.3|2", "vgg-l1|0.5|0"]
    assert RATES.size is None


@pytest.mark.parametrize(
    "candidate", [*SPACE.candidates(), Candidate("a", "0.5"), Candidate("a", "0.5", 1, {"learning_rate": 0.1})]
)
def test_a_key_says_all_about_its_candidate(candidate):
    assert Candidate.from_key(candidate.key) == candidate


@pytest.mark.parametrize(
    "candidate",
    [
        Candidate("vgg-l1", "0.4", 2),
        Candidate("vgg-l1", "0.5", 1),
        Candidate("vgg-l1", "0.5"),
        Candidate("other", "0.5", 2),
        Candidate("vgg-slim", "0.5", 2, {"batch_size": 16}),
        Candidate("vgg-slim", "0.5", 2),
        Candidate("vgg-slim", "0.5", 0, {"batch_size": 32}),
        Candidate("vgg-l1", "0.5", 2, {"learning_rate": 0.1}),
    ],
)
def test_what_the_study_does_not_give_is_outside_the_space(candidate):
    assert not SPACE.contains(candidate)


@pytest.mark.parametrize(
    "arms",
    [
        (),
        (ARMS[0], ARMS[0]),
        (ArmSpace("a", ()),),
        (ArmSpace("a|b", ("0.5",)),),
        (ArmSpace("a", ("0.5",), parts=(("network", "n"),)), ArmSpace("b", ("0.5",), parts=(("network", "n"),))),
        (ArmSpace("a", ("0.5",), parts=(("network", "n"),)), ArmSpace("b", ("0.5",))),
    ],
    ids=["none", "twice", "no ratio", "bar", "one way", "two first steps"],
)
def test_a_space_without_sense_is_refused(arms):
    with pytest.raises(BadInput):
        Space(arms)


@pytest.mark.parametrize("low, high, log", [(1, 1, False), (2, 1, False), (0, 1, True), (float("nan"), 1, False)])
def test_a_range_without_sense_is_refused(low, high, log):
    with pytest.raises(BadInput):
        Span(low, high, log)


def test_the_grid_keeps_the_plans_order_and_leaves_out_what_is_known():
    grid = GridSearch(SPACE.candidates())
    grid.reconcile({"vgg-l1|0.3|2": {"val_accuracy": 0.9}})
    assert keys(grid.next(2)) == ["vgg-l1|0.3|0", "vgg-l1|0.5|0"]
    assert not grid.done
    assert len(grid.next(100)) == 6
    assert grid.done and grid.next(1) == []


def test_random_draws_all_once_the_same_for_a_seed_and_another_order_for_another():
    first, again, other = (keys(RandomSearch(SPACE, None, seed).next(100)) for seed in (0, 0, 1))
    assert first == again != other
    assert sorted(first) == sorted(other) == sorted(keys(SPACE.candidates()))


def test_a_longer_random_search_begins_with_the_shorter_one():
    assert keys(RandomSearch(SPACE, 7, 3).next(99))[:4] == keys(RandomSearch(SPACE, 4, 3).next(99))


def test_random_rates_are_spread_over_the_scale_and_stay_inside():
    rates: list[Any] = [candidate.fine_tuning["learning_rate"] for candidate in RandomSearch(RATES, 400, 0).next(400)]
    assert all(1e-4 <= rate <= 1e-1 for rate in rates)
    # Log-uniform: a third of the draws in each decade, within five standard errors (0.024 each).
    for low in (1e-4, 1e-3, 1e-2):
        assert abs(sum(low <= rate < 10 * low for rate in rates) / 400 - 1 / 3) < 0.12


def test_where_nothing_is_fine_tuned_no_rate_is_drawn_and_the_candidate_comes_once():
    space = Space((ArmSpace("net", ("0.5",), (0, 2), {"learning_rate": Span(1e-4, 1e-1, log=True)}),))
    drawn = RandomSearch(space, 30, 0).next(99)
    assert len(drawn) == len(set(keys(drawn))) == 30
    assert [candidate.fine_tuning for candidate in drawn if candidate.budget == 0] == [{}]
    assert all(candidate.fine_tuning for candidate in drawn if candidate.budget == 2)


def test_all_of_a_continuous_space_cannot_be_drawn():
    with pytest.raises(BadInput, match="continuous"):
        RandomSearch(RATES, None, 0)
