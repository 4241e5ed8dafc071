"""The sections of a study file that say what is trained, pruned and judged. Every key is explained here, once."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from prune_core.base.benchmark import CORRUPTION_SOURCES, STANDARD
from prune_core.base.limits import MOST_BINS
from sweeps.study.section import Section
from sweeps.study.values import Budgets, Label, Names, Ratios, Seed

CHEAP_IMAGES_PER_CELL = 500
"""Up to here the 75 cells take about as long as one epoch of fine-tuning on 12,500 images (a forward pass is a third)."""

SEED = "{seed}"
"""In the name of a checkpoint: stands for the seed of the trial."""
SEED_IN_NAME = "{seed} in the name stands for each of the study's seeds, a file each; without it one file serves all"


class DataSection(Section):
    """The images, and how the study's seed cuts them (stratified; the same cut for every trial seed)."""

    name: str = Field(description="a shipped dataset, image_folder:PATH, or arrays:FILE (an .npz with images and labels)")
    options: dict[str, Any] = Field(default={}, description="options of the dataset, for example its folder")
    train: int | None = Field(default=None, ge=1, description="training images; null takes what validation and test leave")
    validation: int = Field(ge=0, description="images that steer: search, front, limits, exports; 0 needs select_on: report")
    test: int | None = Field(
        default=None, ge=1, description="images that are reported; null takes the dataset's own test images"
    )


class BaselineSection(Section):
    """A trained network of yours, used as the baseline instead of training one."""

    checkpoint: Path = Field(
        description="path of the weights. One file serves every seed, which then differ in fine-tuning alone; {seed} in the "
        "name stands for the seed, a file each: my_network-{seed}.pt is my_network-0.pt, my_network-1.pt, ..."
    )
    sha256: str | None = Field(default=None, description="refuse the file if its SHA-256 differs")

    @field_validator("sha256", mode="before")
    @classmethod
    def _digits(cls, value: Any) -> Any:
        if value is None or re.fullmatch("[0-9a-f]{64}", str(value).lower()):
            return None if value is None else str(value).lower()
        raise ValueError(f"{value!r} is no SHA-256 (allowed: 64 hexadecimal digits, in quotes)")


class NetworkSection(Section):
    """One network under the label that tables and figures use."""

    name: str | None = Field(default=None, description="a shipped or plugin network; null means that the label is the name")
    options: dict[str, Any] = Field(default={}, description="options of the network, for example width")
    training: dict[str, Any] = Field(default={}, description="what differs from the study's training recipe")
    baseline: BaselineSection | None = Field(default=None, description="your trained checkpoint; null trains the baseline")


class ArmSection(Section):
    """Methods on networks. Each (network, method) of the entry becomes an arm."""

    networks: Names = Field(default=("all",), description="labels of networks, or all")
    methods: Names = Field(description="pruning methods")
    options: dict[str, Any] = Field(default={}, description="options of the methods, for example layers")
    choices: dict[str, tuple[Any, ...]] = Field(
        default={},
        description="options with several values, one arm per value: a grid takes all, a search "
        "chooses (layers: [all, [2, 3]])",
    )
    label: Label | None = Field(default=None, description="tells arms apart that share network and method")
    ratios: Ratios | None = Field(default=None, description="pruning ratios of these arms; null takes the study's")
    fine_tuning: dict[str, Any] = Field(default={}, description="what differs from the study's fine-tuning recipe")
    training: dict[str, Any] = Field(
        default={}, description="what differs in the training of these arms' baseline; network slimming needs sparsity"
    )
    rounds: int = Field(default=1, ge=1, description="1 prunes once; more reach the ratio in this many equal steps")
    round_epochs: int = Field(
        default=1,
        ge=1,
        description="epochs of fine-tuning between two rounds; they count as budget, so such arms are judged from there on",
    )
    scratch: Ratios | None = Field(
        default=None, description="ratios whose pruned architecture is also trained from scratch, as a baseline is"
    )


class EvaluationSection(Section):
    """How networks are judged."""

    corruptions: str | list[str] = Field(
        default="generated",
        description="none, generated (the 15, made here, labelled so), official (the benchmark's .npy files), or a list of "
        "corruptions and groups to generate",
    )
    folder: Path | None = Field(default=None, description="folder of the official .npy files; null looks in the cache")
    sha256: str | None = Field(
        default=None, description="refuse official files whose SHA-256 together differs (a trial's description.json says it)"
    )
    seed: Seed = Field(default=0, description="seed of the generated corruptions")
    images_per_cell: int = Field(
        default=100, ge=1, description="test images per corruption and severity, balanced over classes, at most all"
    )
    selection_images_per_cell: int = Field(
        default=50, ge=1, description="validation images per corruption and severity, balanced, at most all"
    )
    selection_corruptions: Names = Field(
        default=("extra",),
        description="the corruptions and groups that val_mpc and val_worst_corruption_accuracy are measured under, on "
        "validation images: what objectives and limits read",
    )
    train_images: int = Field(
        default=500, ge=0, description="training images for train_accuracy and train_nll, balanced; 0 is none"
    )
    ece_bins: int = Field(default=15, ge=1, le=MOST_BINS, description=f"bins of every ECE, at most {MOST_BINS:,}")
    report_budgets: Budgets | None = Field(
        default=None,
        description="budgets at which the test images under corruption are judged, besides the longest; null is all "
        f"budgets where images_per_cell is at most {CHEAP_IMAGES_PER_CELL}, else the longest",
    )

    @field_validator("corruptions", mode="before")
    @classmethod
    def _source_or_list(cls, value: Any) -> Any:
        if isinstance(value, list | tuple) and value and all(isinstance(name, str) for name in value):
            return list(value)
        if isinstance(value, str) and value in CORRUPTION_SOURCES:
            return value
        allowed = f"{', '.join(map(repr, CORRUPTION_SOURCES))}, or a list of corruptions and groups, as [standard, my_own]"
        raise ValueError(f"{value!r} is not allowed (allowed: {allowed})")

    @property
    def corruption_names(self) -> tuple[str, ...]:
        """The corruptions of the report images, of a resolved study."""
        if isinstance(self.corruptions, list):
            return tuple(self.corruptions)
        return () if self.corruptions == "none" else STANDARD

    @property
    def generated(self) -> bool:
        """Whether the corrupted report images are made here."""
        return self.corruptions not in ("none", "official")


def choices_of(section: ArmSection) -> Iterator[dict[str, Any]]:
    """Yield every combination of the options that an entry leaves to choose; an empty one where it leaves none."""
    for values in itertools.product(*section.choices.values()):
        yield dict(zip(section.choices, values, strict=True))
