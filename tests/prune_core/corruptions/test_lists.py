"""Lists of corruptions: groups, plugins, and what mPC is the mean of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from prune_core.base.errors import BadInput
from prune_core.corruptions import CORRUPTIONS, EXTRA, STANDARD, corrupt, expanded, generated_set
from prune_core.corruptions.definition import corruption
from prune_core.corruptions.sets import list_label
from prune_core.evaluation.logits import LogitSet
from prune_core.evaluation.scoring import record_columns

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 1)).astype(np.uint8)
LEVELS = ((1.0,), (2.0,), (3.0,), (4.0,), (5.0,))


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(CORRUPTIONS, "_entries", dict(CORRUPTIONS._entries))
    yield


def test_groups_and_names_come_once_and_in_order() -> None:
    assert expanded(["standard"]) == STANDARD
    assert expanded(["extra", "fog", "spatter"]) == (*EXTRA, "fog")
    with pytest.raises(BadInput, match="unknown corruption 'fogg'; did you mean fog"):
        expanded(["fogg"])


def logits(names: tuple[str, ...], right: dict[str, float]) -> LogitSet:
    """Ten images of class 0; ``right`` of them are judged right under a corruption, half where it says nothing."""

    def cell(name: str) -> np.ndarray:
        found = np.zeros((5, 10, 2), np.float16)
        found[..., 1] = np.where(np.arange(10) < 10 * right.get(name, 0.5), -1, 1)
        return found

    clean = np.tile(np.array([1.0, 0.0], np.float32), (10, 1))
    return LogitSet(np.zeros(10, np.int64), clean, {name: cell(name) for name in names}, np.arange(10))


def test_mpc_is_over_the_15_where_they_are_there_and_over_all_where_not() -> None:
    beside = record_columns(selection=None, report=logits((*STANDARD, "mine"), {"mine": 0.0}), train=None, bins=15)
    assert beside["mpc"] == pytest.approx(0.5) and beside["worst_corruption"] != "mine"
    own = record_columns(selection=None, report=logits(("fog", "mine"), {"mine": 0.0}), train=None, bins=15)
    assert own["mpc"] == pytest.approx(0.25) and own["worst_corruption"] == "mine"
    assert list_label(STANDARD) == ""
    assert list_label((*STANDARD, "mine")) == "; beside the 15 that mPC averages: mine"
    assert list_label(("fog", "mine")) == "; mPC is the mean over fog, mine, not over the benchmark's 15"


def test_a_corruption_that_was_edited_is_made_anew(tmp_path: Path, registry: None) -> None:
    corruption("mine", LEVELS)(lambda images, level, draws: images // np.uint8(level[0]))
    first = generated_set(IMAGES, None, name="x", corruptions=["mine"], cache=tmp_path).cell("mine", 2)
    assert np.array_equal(first, IMAGES // 2)
    CORRUPTIONS._entries.pop("mine")
    corruption("mine", (*LEVELS[:1], (4.0,), *LEVELS[2:]))(lambda images, level, draws: images // np.uint8(level[0]))
    second = generated_set(IMAGES, None, name="x", corruptions=["mine"], cache=tmp_path).cell("mine", 2)
    assert np.array_equal(second, IMAGES // 4)
    assert CORRUPTIONS.get("mine").group == "other" and CORRUPTIONS.get("spatter").group == "extra"


def test_what_a_corruption_returns_is_checked(registry: None) -> None:
    corruption("unit", LEVELS)(lambda images, level, draws: images / 255)  # type: ignore[arg-type, return-value]
    with pytest.raises(BadInput, match="'unit' returned float64"):
        corrupt(IMAGES, "unit", 1)
    for name in ("standard", "../up", "Fog"):
        with pytest.raises(ValueError, match="cannot name a corruption"):
            corruption(name, LEVELS)
