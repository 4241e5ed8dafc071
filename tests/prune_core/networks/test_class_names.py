"""The names of a checkpoint's classes: read from any kind of file, held against those of the images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from prune_core.base.errors import BadInput
from prune_core.networks.class_names import check_class_names, class_names, classes_text

WEIGHTS = {"fc.weight": torch.zeros(3, 2)}


def pt(folder: Path, **beside: Any) -> Path:
    torch.save({"state_dict": WEIGHTS, "epoch": 3, **beside}, folder / "mine.pt")
    return folder / "mine.pt"


def test_names_are_read_wherever_they_are_kept(tmp_path: Path) -> None:
    assert class_names(pt(tmp_path, classes=["b", "a", "c"])) == ("b", "a", "c")
    assert class_names(pt(tmp_path, class_names=("b", "a", "c"))) == ("b", "a", "c")
    assert class_names(pt(tmp_path, class_to_idx={"a": 1, "b": 0, "c": 2})) == ("b", "a", "c")
    save_file(WEIGHTS, tmp_path / "mine.safetensors", metadata={"classes": json.dumps(["b", "a", "c"])})
    assert class_names(tmp_path / "mine.safetensors") == ("b", "a", "c")
    assert classes_text(tmp_path / "mine.safetensors") == {"classes": '["b", "a", "c"]'}


def test_a_checkpoint_without_names_fits_any(tmp_path: Path) -> None:
    torch.save(WEIGHTS, tmp_path / "plain.pt")
    assert class_names(tmp_path / "plain.pt") is None and classes_text(tmp_path / "plain.pt") == {}
    check_class_names(tmp_path / "plain.pt", ("x", "y", "z"), "mine")
    check_class_names(pt(tmp_path, classes=["b", "a", "c"]), ("b", "a", "c"), "mine")
    check_class_names(pt(tmp_path, classes=["b", "a", "c"]), ("0", "1", "2"), "arrays:mine.npz")  # numbers are no names


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (("a", "b", "c"), r"another order: its output 0 is 'b', not 'a' .*classes: \[b, a, c\]"),
        (("a", "b", "d"), "'c' is only in mine.pt"),
        (("a", "b", "c", "d"), "'d' is only in data 'mine'"),
    ],
)
def test_other_classes_are_one_line(tmp_path: Path, classes: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        check_class_names(pt(tmp_path, classes=["b", "a", "c"]), classes, "mine")


@pytest.mark.parametrize("value", ["a, b", ["a", "a"], [1, 2], [], {"a": 0, "b": 2}])
def test_what_is_no_list_of_names_is_one_line(tmp_path: Path, value: Any) -> None:
    with pytest.raises(BadInput, match="no list of class names"):
        class_names(pt(tmp_path, classes=value))
