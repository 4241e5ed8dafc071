"""Selection and report images never meet; classes keep their shares; the same cut for every trial."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prune_core.base.errors import BadInput
from prune_core.data import Dataset, balanced_subset, split_dataset


def _dataset(labels: np.ndarray, test: int = 0) -> Dataset:
    """Each image carries its own number, so that one can see which is which."""
    images = np.arange(len(labels), dtype=np.uint32).view(np.uint8).reshape(len(labels), 2, 2, 1)
    own = images[:test] + 0, labels[:test]
    return Dataset(
        name="x",
        title="X",
        classes=tuple(str(k) for k in range(int(labels.max()) + 1)),
        mean=(0.5,),
        std=(0.5,),
        licence="",
        source="",
        checksum="",
        train_images=images,
        train_labels=labels.astype(np.int64),
        test_images=own[0] if test else None,
        test_labels=own[1].astype(np.int64) if test else None,
    )


def _numbers(subset: object) -> set[int]:
    return set(subset.array().reshape(-1, 4).view(np.uint32).ravel().tolist())  # type: ignore[attr-defined]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    count=st.integers(30, 300),
    classes=st.integers(1, 7),
    validation=st.integers(0, 10),
    test=st.integers(1, 10),
    train=st.none() | st.integers(1, 10),
)
def test_parts_never_share_an_image(
    seed: int, count: int, classes: int, validation: int, test: int, train: int | None
) -> None:
    labels = np.random.default_rng(seed).integers(0, classes, count)
    split = split_dataset(_dataset(labels), seed, validation=validation, test=test, train=train)
    parts = [_numbers(part) for part in (split.train, split.validation, split.test)]
    assert [len(part) for part in parts] == [train or count - validation - test, validation, test]
    assert len(set.union(*parts)) == sum(len(part) for part in parts)
    for part in (split.train, split.validation, split.test):
        np.testing.assert_array_equal(part.labels, labels[part.index])
        np.testing.assert_array_equal(part.index, np.sort(part.index))
        assert part.index.dtype == np.int64


def test_own_test_images_are_the_report_and_validation_comes_from_train() -> None:
    labels = np.arange(100) % 10
    split = split_dataset(_dataset(labels, test=40), 0, validation=20, test=None)
    assert split.test.pool == "test"
    assert split.validation.pool == split.train.pool == "train"
    np.testing.assert_array_equal(split.test.index, np.arange(40))
    assert not set(split.validation.index) & set(split.train.index)
    assert len(split_dataset(_dataset(labels, test=40), 0, validation=20, test=10).test) == 10


def test_stratified_by_largest_remainder() -> None:
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    split = split_dataset(_dataset(labels), 3, validation=50, test=100)
    assert np.bincount(split.test.labels).tolist() == [60, 30, 10]
    assert np.bincount(split.validation.labels).tolist() == [30, 15, 5]
    assert np.bincount(split.train.labels).tolist() == [510, 255, 85]


def test_the_cut_depends_on_the_study_seed_only() -> None:
    labels = np.arange(200) % 10
    first, again, other = (split_dataset(_dataset(labels), seed, validation=40, test=40) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.validation.index, again.validation.index)
    assert set(first.validation.index) != set(other.validation.index)
    # Fewer training images leave selection and report images as they are.
    fewer = split_dataset(_dataset(labels), 1, validation=40, test=40, train=50)
    np.testing.assert_array_equal(first.test.index, fewer.test.index)
    np.testing.assert_array_equal(first.validation.index, fewer.validation.index)
    assert set(fewer.train.index) <= set(first.train.index)


def test_not_the_first_n_of_a_sorted_pool() -> None:
    split = split_dataset(_dataset(np.repeat(np.arange(10), 50)), 0, validation=100, test=100)
    within = np.concatenate([split.test.index % 50, split.validation.index % 50])
    assert within.mean() == pytest.approx(24.5, abs=4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"validation": 10, "test": None}, "no test images of its own"),
        ({"validation": 101, "test": 1}, "at most the 99"),
        ({"validation": 50, "test": 50}, "leave none to train on"),
        ({"validation": -1, "test": 1}, "from 0"),
        ({"validation": 1, "test": 0}, "from 1"),
        ({"validation": 1, "test": 1, "train": 99}, "at most the 98"),
        ({"validation": True, "test": 1}, "whole number"),
    ],
)
def test_impossible_cuts(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        split_dataset(_dataset(np.arange(100) % 10), 0, **options)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 120), classes=st.integers(1, 8))
def test_balanced_subsets_are_as_equal_as_they_can_be(seed: int, count: int, classes: int) -> None:
    labels = np.random.default_rng(seed).permutation(np.arange(120) % classes)
    chosen = balanced_subset(labels, count, seed, "cells")
    assert len(np.unique(chosen)) == count
    np.testing.assert_array_equal(chosen, np.sort(chosen))
    per_class = np.bincount(labels[chosen], minlength=classes)
    assert per_class.max() - per_class.min() <= 1


def test_balanced_subset_makes_up_for_a_small_class() -> None:
    labels = np.repeat([0, 1, 2], [50, 3, 50])
    assert np.bincount(labels[balanced_subset(labels, 31, 0)]).tolist() == [14, 3, 14]
    chosen = balanced_subset(labels, 31, 0)
    np.testing.assert_array_equal(chosen, balanced_subset(labels, 31, 0))
    assert set(chosen) != set(balanced_subset(labels, 31, 1))
    with pytest.raises(BadInput, match="0 to 103"):
        balanced_subset(labels, 104, 0)
