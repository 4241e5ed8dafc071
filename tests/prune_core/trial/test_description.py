"""Descriptions and their keys: what was there from the start, what is added later, what files count by."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from prune_core.base.description import content_key
from prune_core.base.errors import BadInput
from prune_core.base.recipe import Recipe
from prune_core.trial.description import BaselineDescription, EvaluationDescription, TrialDescription
from prune_core.trial.description_parts import CheckpointDescription, DataDescription, MethodDescription, NetworkDescription
from prune_core.trial.order import TrialOrder

BASELINE = BaselineDescription(
    study_seed=0,
    data=DataDescription("digits", {}, "e7526b7e3be68fbf", 600, 200, 200),
    network=NetworkDescription("small_vgg", {"width": 4, "conv_bias": False, "head": "linear", "initialisation": "he"}),
    training=Recipe(epochs=2),
    seed=1,
)
TRIAL = TrialDescription(
    kind="pruned",
    baseline=BASELINE,
    evaluation=EvaluationDescription("generated", 0, 20, 20, 100, generator=3),
    seed=1,
    method=MethodDescription("l1_filter", {"layers": "all", "round_to": 1, "rule": "exact"}),
    ratio="0.5",
    fine_tuning=Recipe(learning_rate=0.01),
)


@dataclass(frozen=True)
class LaterRecipe(Recipe):
    """A recipe that got a field after version 0.1.0."""

    averaging: float = 0.0


@dataclass(frozen=True)
class LaterEvaluation(EvaluationDescription):
    """An evaluation that got a field after version 0.1.0."""

    crops: int = 1


@dataclass(frozen=True)
class LaterTrial(TrialDescription):
    """A trial that got a field after version 0.1.0, a part with fields of its own."""

    also: MethodDescription | None = None


def test_the_plain_form_is_that_of_version_0_1_0() -> None:
    """Names written down by hand from a description.json of that version."""
    plain = TRIAL.to_plain()
    assert sorted(plain) == ["baseline", "evaluation", "fine_tuning", "kind", "method", "ratio", "rounds", "seed"]
    assert sorted(plain["baseline"]) == sorted(
        ["checkpoint", "data", "device", "kind", "network", "seed", "study_seed", "threads", "training"]
    )
    assert (
        len(plain["baseline"]["training"]) == 14 and len(plain["fine_tuning"]) == 13 and "epochs" not in plain["fine_tuning"]
    )
    assert TrialDescription.from_plain(json.loads(json.dumps(plain))) == replace(TRIAL)
    assert TrialDescription.from_plain(plain).key == TRIAL.key == content_key(plain)
    assert BASELINE.key == content_key(plain["baseline"])


def test_a_later_field_at_its_default_changes_no_key() -> None:
    recipe = LaterRecipe(epochs=2)
    assert replace(BASELINE, training=recipe).key == BASELINE.key
    assert replace(BASELINE, training=replace(recipe, averaging=0.5)).key != BASELINE.key
    judged = LaterEvaluation("generated", 0, 20, 20, 100, generator=3)
    assert replace(TRIAL, evaluation=judged).key == TRIAL.key
    assert replace(TRIAL, evaluation=replace(judged, crops=5)).key != TRIAL.key
    later = LaterTrial(**{name: getattr(TRIAL, name) for name in vars(replace(TRIAL))})
    assert later.key == TRIAL.key
    assert replace(later, also=MethodDescription("x")).key != TRIAL.key


def test_a_later_field_that_is_not_in_an_old_file_is_at_its_default() -> None:
    class Later(TrialDescription):
        PARTS: ClassVar = {**TrialDescription.PARTS, "evaluation": LaterEvaluation.from_plain}

    read = Later.from_plain(TRIAL.to_plain())
    assert isinstance(read.evaluation, LaterEvaluation) and read.evaluation.crops == 1
    assert read.key == TRIAL.key


def test_every_founding_field_is_in_the_key_also_at_its_default() -> None:
    for change in ({"nesterov": True}, {"label_smoothing": 0.1}, {"batch_size": 32}):
        assert replace(BASELINE, training=replace(Recipe(epochs=2), **change)).key != BASELINE.key
    assert {"nesterov", "label_smoothing", "sparsity"} <= set(Recipe().to_plain())


def test_a_checkpoint_counts_by_content_not_by_place() -> None:
    mine = replace(BASELINE, checkpoint=CheckpointDescription("/a/b.pt", "12"))
    assert mine.key == replace(BASELINE, checkpoint=CheckpointDescription("/c/d.pt", "12")).key
    assert len({mine.key, replace(mine, checkpoint=CheckpointDescription("/a/b.pt", "34")).key, BASELINE.key}) == 3


def test_where_official_files_are_is_not_in_the_key() -> None:
    there = replace(TRIAL, evaluation=replace(TRIAL.evaluation, folder="/a"))
    assert there.key == TRIAL.key and there.to_plain()["evaluation"]["folder"] == "/a"


def test_budget_rounds_and_a_recipe_from_scratch_are_in_the_key_where_they_are_used() -> None:
    keys = {
        TRIAL.key,
        replace(TRIAL, budget=3).key,
        replace(TRIAL, rounds=2, round_epochs=1).key,
        replace(TRIAL, training=Recipe(epochs=2)).key,
    }
    assert len(keys) == 4
    again = TrialDescription.from_plain(replace(TRIAL, rounds=2, round_epochs=1).to_plain())
    assert (again.rounds, again.round_epochs) == (2, 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour": 1}, "unknown field 'colour'"),
        ({"baseline": "x"}, "no mapping"),
        ({"fine_tuning": {"speed": 1}}, "unknown key 'speed'"),
    ],
)
def test_what_is_no_description_is_one_line(change: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        TrialDescription.from_plain({**TRIAL.to_plain(), **change})
    with pytest.raises(BadInput, match="field 'kind' is missing"):
        TrialDescription.from_plain({name: value for name, value in TRIAL.to_plain().items() if name != "kind"})


def test_an_order_survives_being_sent(tmp_path) -> None:
    for order in (
        TrialOrder(tmp_path / "a", tmp_path / "b", (0, 2)),
        TrialOrder(tmp_path / "a", tmp_path / "b", (0,), tmp_path, (), 10, "none", True, 0.0, 0.5),
    ):
        assert TrialOrder.from_plain(json.loads(json.dumps(order.to_plain()))) == order
    with pytest.raises(BadInput, match="colour"):
        TrialOrder.from_plain({**order.to_plain(), "colour": 1})


def test_what_no_image_is_made_by_is_not_in_the_key() -> None:
    def key(validation: int, **judged: object) -> str:
        data = replace(BASELINE.data, validation=validation)
        evaluation = replace(EvaluationDescription("none", 0, 20, 20, 100), **judged)  # type: ignore[arg-type]
        return replace(TRIAL, baseline=replace(BASELINE, data=data), evaluation=evaluation).effective().key

    others: list[dict[str, object]] = [
        {"seed": 5},
        {"images_per_cell": 7},
        {"selection_images_per_cell": 7},
        {"selection_corruptions": ("fog",)},
    ]
    unheard = {  # (source, validation images) -> which of them change nothing
        ("none", 200): [True, True, True, True],
        ("none", 0): [True, True, True, True],
        ("generated", 200): [False, False, False, False],
        ("generated", 0): [False, False, True, True],
        ("official", 200): [False, False, False, False],
        ("official", 0): [True, False, True, True],
    }
    for (source, validation), expected in unheard.items():
        usual = key(validation, corruptions=source)
        assert [key(validation, corruptions=source, **other) == usual for other in others] == expected, (source, validation)


def test_a_checkpoint_has_no_training() -> None:
    brought = replace(BASELINE, checkpoint=CheckpointDescription("/a/b.pt", "12"))
    assert replace(brought, training=Recipe(epochs=9)).effective() == brought.effective() != brought
    assert BASELINE.effective() == BASELINE and TRIAL.effective() == TRIAL
