"""The study that exists three times: for ``prunefront run``, for a careful script and for an afternoon's script.

The quickstart's images, recipes and corruptions with one network, two methods, three ratios and two seeds: 24 records of
pruned networks, and 4 of what was never pruned. The scripts get their images and their recipes from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from prune_core.base.recipe import Recipe
from prune_core.corruptions import EXTRA, SEVERITIES, STANDARD
from prune_core.corruptions.apply import corrupt_numbered
from prune_core.data import Subset, balanced_subset, load_dataset, split_dataset
from sweeps.study.yaml import find_study, read_study_yaml

NETWORK = {"width": 8}
METHODS, RATIOS, SEEDS = ("unstructured", "l1_filter"), (0.3, 0.5, 0.7), (0, 1)
UNPRUNED = ("unpruned", 0.0)
ARMS = (UNPRUNED, *((method, ratio) for method in METHODS for ratio in RATIOS))
"""What each seed is pruned by, and how much; the unpruned network is judged and fine-tuned as the others are."""


def study() -> dict[str, Any]:
    """Return the study file of ours."""
    plain: dict[str, Any] = read_study_yaml(find_study("quickstart"))
    own: dict[str, Any] = {
        "name": "whole",
        "title": "One study, three ways",
        "networks": {"small_vgg": {"options": NETWORK}},
    }
    own |= {"arms": [{"methods": list(METHODS)}], "ratios": list(RATIOS), "seeds": list(SEEDS)}
    return plain | own


def shrunk() -> dict[str, Any]:
    """Return the same study with so few images that a test can run it."""
    plain = study()
    plain["data"] |= {"train": 100, "validation": 40, "test": 40}
    plain["training"] |= {"epochs": 1}
    plain["evaluation"] |= {"images_per_cell": 4, "selection_images_per_cell": 4, "train_images": 20}
    return plain


@dataclass(frozen=True)
class Judged:
    """Images to judge on: ``(N, H, W, C)`` uint8, and which of them are also corrupted, by which corruptions."""

    images: np.ndarray
    labels: Tensor
    positions: np.ndarray
    numbers: np.ndarray
    corruptions: tuple[str, ...]

    def cell(self, corruption: str, severity: int) -> np.ndarray:
        """Return the chosen images corrupted, made now."""
        chosen = self.positions
        return corrupt_numbered(self.images[chosen], corruption, severity, self.numbers)

    @property
    def cells(self) -> list[tuple[str, int]]:
        """Every corruption at every severity."""
        return [(corruption, severity) for corruption in self.corruptions for severity in SEVERITIES]


class Data:
    """The images of a study, cut as the study cuts them."""

    def __init__(self, plain: dict[str, Any]) -> None:
        self.plain = plain
        cut = {name: plain["data"][name] for name in ("train", "validation", "test")}
        self._dataset = load_dataset(plain["data"]["name"])
        self.mean, self.std = self._dataset.mean, self._dataset.std
        self._split = split_dataset(self._dataset, 0, **cut)

    def recipe(self, name: str) -> Recipe:
        """Return ``training`` or ``fine_tuning``."""
        return Recipe.from_dict(self.plain[name])

    @property
    def budget(self) -> int:
        """Epochs of fine-tuning."""
        return int(max(self.plain["budgets"]))

    @cached_property
    def train(self) -> tuple[Tensor, Tensor]:
        """Normalised training images ``(N, C, H, W)`` and labels."""
        return self.normalised(self._split.train.array()), torch.from_numpy(self._split.train.labels)

    @cached_property
    def few(self) -> tuple[Tensor, Tensor]:
        """The training images that are judged."""
        chosen = self._positions(self._split.train, "train_images", "judged training images")
        return self.train[0][chosen], self.train[1][chosen]

    @cached_property
    def sets(self) -> dict[str, Judged]:
        """Prefix of the columns -> what is judged: the test images (report) and the validation images (selection)."""
        test = self._judged(self._split.test, "images_per_cell", "cells of test", STANDARD)
        chosen = self._judged(self._split.validation, "selection_images_per_cell", "cells of validation", EXTRA)
        return {"": test, "val_": chosen}

    def normalised(self, images: np.ndarray) -> Tensor:
        """Return uint8 ``(N, H, W, C)`` as the network wants it."""
        mean, std = (torch.tensor(value).view(1, -1, 1, 1) for value in (self.mean, self.std))
        return (torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float() / 255 - mean) / std

    def _positions(self, subset: Subset, count: str, purpose: str) -> np.ndarray:
        return balanced_subset(subset.labels, self.plain["evaluation"][count], 0, purpose)

    def _judged(self, subset: Subset, count: str, purpose: str, corruptions: tuple[str, ...]) -> Judged:
        chosen = self._positions(subset, count, purpose)
        return Judged(subset.array(), torch.from_numpy(subset.labels), chosen, subset.index[chosen], tuple(corruptions))
