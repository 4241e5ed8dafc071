"""Batches: every image once an epoch, augmentation against plain loops, schedule and recipe against the paper."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from prune_core.base.errors import BadInput
from prune_core.training import DeviceData, Recipe, learning_rate


def numbered(count: int = 37, augmentation: str = "none") -> DeviceData:
    draw = np.random.default_rng(1)
    images = draw.integers(1, 256, (count, 6, 5, 3), dtype=np.uint8)
    return DeviceData.of(images, np.arange(count), mean=(0.0,) * 3, std=(1 / 255,) * 3, augmentation=augmentation)


def test_an_epoch_holds_every_image_once_and_the_last_batch():
    data = numbered()
    batches = list(data.batches(8, ("s",), 0))
    assert [len(labels) for _, labels in batches] == [8, 8, 8, 8, 5]
    labels = torch.cat([labels for _, labels in batches])
    assert sorted(labels.tolist()) == list(range(37)) != labels.tolist()


def test_the_order_is_a_function_of_stream_epoch_and_step():
    data = numbered(augmentation="crop_flip")
    whole = list(data.batches(8, ("s",), 3))
    late = list(data.batches(8, ("s",), 3, first_step=2))
    assert all(torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in zip(whole[2:], late, strict=True))
    assert not torch.equal(whole[0][1], next(data.batches(8, ("s",), 4))[1])
    assert not torch.equal(whole[0][1], next(data.batches(8, ("t",), 3))[1])


def test_one_image_left_over_is_no_batch():
    assert [len(labels) for _, labels in numbered(17).batches(8, ("s",), 0)] == [8, 8]
    assert numbered(17).steps(8) == 2
    assert numbered(18).steps(8) == 3


@pytest.mark.parametrize(("augmentation", "pad"), [("shift", 2), ("crop_flip", 4)])
def test_every_augmented_image_is_a_crop_of_the_padded_one(augmentation, pad):
    """Found by comparing with all crops made in a plain loop; all offsets come up, flips about half of the time."""
    data = numbered(400, augmentation)
    raw = numbered(400).padded
    offsets, flips = set(), 0
    for images, labels in data.batches(50, ("s",), 0):
        for image, label in zip(images.round().to(torch.uint8), labels, strict=True):
            padded = torch.zeros((3, 6 + 2 * pad, 5 + 2 * pad), dtype=torch.uint8)
            padded[:, pad:-pad, pad:-pad] = raw[label]
            found = [
                (y, x, flip)
                for y in range(2 * pad + 1)
                for x in range(2 * pad + 1)
                for flip in (False, True)
                if torch.equal(image, padded[:, y : y + 6, x : x + 5].flip(-1) if flip else padded[:, y : y + 6, x : x + 5])
            ]
            assert found
            offsets.add(found[0][:2])
            flips += found[0][2]
    assert flips == 0 if augmentation == "shift" else 150 < flips < 250
    assert len(offsets) == (25 if augmentation == "shift" else pytest.approx(80, abs=8))


def test_images_are_normalised():
    images = np.zeros((2, 2, 2, 3), dtype=np.uint8)
    images[0] = 255
    data = DeviceData.of(images, np.arange(2), mean=(0.5, 0.4, 0.3), std=(0.5, 0.2, 0.1))
    out = data.normalised(data.padded)
    np.testing.assert_allclose(out[:, :, 0, 0].numpy(), [[1, 3, 7], [-1, -2, -3]], rtol=1e-6)


def test_the_schedule_of_the_study():
    """Liu et al. 2019: 0.1, times 0.1 at the start of epochs 80 and 120; fine-tuning 1e-3 constant."""
    recipe = Recipe(epochs=160, schedule="step", milestones=(80, 120))
    table = {0: 0.1, 79: 0.1, 80: 0.01, 119: 0.01, 120: 0.001, 159: 0.001}
    assert {epoch: learning_rate(recipe, epoch, 781, 782) for epoch in table} == table
    fractions = Recipe(epochs=160, schedule="step", milestones=(0.5, 0.75))
    assert {epoch: learning_rate(fractions, epoch, 0, 782) for epoch in table} == table
    assert {learning_rate(Recipe(learning_rate=1e-3), epoch, 5, 782) for epoch in range(40)} == {1e-3}


def test_cosine_and_warm_up():
    recipe = Recipe(epochs=10, learning_rate=0.2, schedule="cosine")
    assert learning_rate(recipe, 0, 0, 5) == 0.2
    assert learning_rate(recipe, 5, 0, 5) == pytest.approx(0.1)
    assert learning_rate(recipe, 9, 4, 5) == pytest.approx(0.1 * (1 + math.cos(math.pi * 0.98)))
    warm = Recipe(epochs=10, learning_rate=0.2, warmup_epochs=2)
    rates = [learning_rate(warm, step // 5, step % 5, 5) for step in range(12)]
    np.testing.assert_allclose(rates[:10], 0.2 * np.arange(1, 11) / 11)
    assert rates[10:] == [0.2, 0.2]


def test_which_schedules_depend_on_their_length():
    assert not Recipe().depends_on_length
    assert not Recipe(schedule="step", milestones=(41, 42)).depends_on_length
    assert Recipe(schedule="step", milestones=(0.5,)).depends_on_length
    assert Recipe(schedule="cosine").depends_on_length


def test_a_recipe_survives_json():
    recipe = Recipe(epochs=3, schedule="step", milestones=(1, 0.5), sparsity=1e-4)
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert Recipe.from_dict({}) == Recipe()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"epoch": 3}, "unknown key 'epoch'"),
        ({"epochs": -1}, "epochs is -1"),
        ({"epochs": 1.5}, "epochs is 1.5"),
        ({"epochs": True}, "epochs is True"),
        ({"batch_size": 1}, "batch_size is 1"),
        ({"learning_rate": 0}, "learning_rate is 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"momentum": 1.0}, "momentum is 1.0"),
        ({"schedule": "linear"}, "constant, step, cosine"),
        ({"milestones": [1]}, "milestones belong to schedule 'step'"),
        ({"milestones": 1}, "a list of epochs"),
        ({"nesterov": True, "momentum": 0}, "nesterov needs a momentum"),
        ({"precision": "fp16"}, "fp32, bf16"),
        ({"weight_decay": "1e-4"}, "weight_decay is '1e-4'"),
    ],
)
def test_bad_recipes_are_named(values, words):
    with pytest.raises(BadInput, match=words):
        Recipe.from_dict(values)
