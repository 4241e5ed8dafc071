"""Labels that skip numbers would make classes that do not exist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prune_core.base.errors import BadInput
from prune_core.data import load_dataset

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 1)).astype(np.uint8)


def load(folder: Path, labels: list[int], **more: Any) -> tuple[str, ...]:
    np.savez(folder / "f.npz", images=IMAGES, labels=np.array(labels), **more)
    return load_dataset(f"arrays:{folder / 'f.npz'}", cache=folder / "cache").classes


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([1, 2, 3, 1, 2, 3], "labels go from 1 to 3 and none is 0"),
        ([0, 5, 9, 0, 5, 9], "labels go from 0 to 9 and none is 1"),
        ([0, 1, 3, 0, 1, 3], "labels go from 0 to 3 and none is 2"),
        ([7] * 6, "labels go from 7 to 7 and none is 0"),
    ],
)
def test_labels_that_skip_numbers_are_refused_by_name(tmp_path: Path, labels: list[int], said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        load(tmp_path, labels)
    assert "\n" not in str(caught.value) and "allowed: 0 to the number of classes less one" in str(caught.value)


def test_test_labels_fill_and_make_gaps_too(tmp_path: Path) -> None:
    assert load(tmp_path, [0, 2] * 3, test_images=IMAGES[:1], test_labels=np.array([1])) == ("0", "1", "2")
    with pytest.raises(BadInput, match="none is 2"):
        load(tmp_path, [0, 1] * 3, test_images=IMAGES[:1], test_labels=np.array([3]))


def test_names_say_which_classes_exist(tmp_path: Path) -> None:
    assert load(tmp_path, [0, 2] * 3, classes=np.array(["a", "b", "c"])) == ("a", "b", "c")


def test_the_checksum_of_an_array_file_is_what_it_was(tmp_path: Path) -> None:
    """Written down from version 0.1.0: it is part of every trial's key."""
    images = np.arange(6 * 16 * 16, dtype=np.uint16).astype(np.uint8).reshape(6, 16, 16, 1)
    np.savez(tmp_path / "f.npz", images=images, labels=np.arange(6) % 3)
    dataset = load_dataset(f"arrays:{tmp_path / 'f.npz'}", cache=tmp_path / "cache")
    assert dataset.checksum == "ab1dc28acf764f4b16568b1638ac6bb8f2855a8b6401190a7be0250948543a05"
