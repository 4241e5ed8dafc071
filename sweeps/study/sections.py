"""The sections of a study file. Every key is explained here, once; unknown keys are errors."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from prune_core.base.benchmark import CORRUPTION_SOURCES, STANDARD
from sweeps.samplers import DEFAULT
from sweeps.study.values import Budgets, Label, Names, Ratios, Seed, Seeds

CHEAP_IMAGES_PER_CELL = 500
"""Up to here the 75 cells take about as long as one epoch of fine-tuning on 12,500 images (a forward pass is a third)."""

SEED = "{seed}"
"""In the name of a checkpoint: stands for the seed of the trial."""
SEED_IN_NAME = "{seed} in the name stands for each of the study's seeds, a file each; without it one file serves all"


class Section(BaseModel):
    """What all sections share: frozen once read, and no key that nobody reads."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


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
        description="options with several values, an arm each: a grid takes all, a search chooses (layers: [all, [2, 3]])",
    )
    label: Label | None = Field(default=None, description="tells arms apart that share network and method")
    ratios: Ratios | None = Field(default=None, description="pruning ratios of these arms; null takes the study's")
    fine_tuning: dict[str, Any] = Field(default={}, description="what differs from the study's fine-tuning recipe")
    training: dict[str, Any] = Field(
        default={}, description="what differs in the training of these arms' baseline; network slimming needs sparsity"
    )
    rounds: int = Field(default=1, ge=1, description="1 prunes once; more reach the ratio in so many equal steps")
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
    ece_bins: int = Field(default=15, ge=1, description="bins of every ECE")
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


class MoreSeedsSection(Section):
    """More seeds for candidates whose place on the front is uncertain: a fixed allowance."""

    candidates: int = Field(ge=1, description="how many candidates get the extra seeds, at most")
    seeds: Seeds = Field(description="the extra seeds; none of the study's own")
    when: Literal["end", "compete"] = Field(
        default="end",
        description="end: when all else has ended, besides it; compete: between the batches of a search by Optuna, one at a "
        "time, in place of new candidates",
    )


class UntilSection(Section):
    """When a search ends before it has tried as many candidates as it may."""

    expected_gain: float = Field(
        gt=0, lt=1, description="end when trying all that is left is expected to add no larger share of the hypervolume"
    )


class SearchSection(Section):
    """What to try next: all of it, or what a search asks for."""

    kind: Literal["grid", "random", "optuna"] = Field(default="grid", description="the whole factorial, or a search over it")
    candidates: int | None = Field(
        default=None, ge=1, description="how many (arm, ratio, budget) a search tries; null is all"
    )
    sampler: str = Field(default=DEFAULT, description="Optuna's sampler, shipped or of a plugin")
    seed: Seed = Field(default=0, description="seed of the search")
    batch: int | None = Field(
        default=None,
        ge=1,
        description="ask so many candidates, wait for all, tell in order: the same search on every machine",
    )
    early_stopping: float | dict[str, Any] | None = Field(
        default=None,
        description="share of the candidates that goes on at each budget, best non-dominated ranks first; or {rule: NAME, "
        "...its options}; null: all go on",
    )
    learning_rate: tuple[float, float] | None = Field(
        default=None, description="[low, high]: also search the fine-tuning rate, on a log scale"
    )
    more_seeds: MoreSeedsSection | None = Field(
        default=None,
        description="{candidates: N, seeds: [...]}: extra seeds for the N of most uncertain place; null: none",
    )

    gain: Literal["candidate", "cost"] = Field(
        default="candidate",
        description="what the search makes most of: the gain per candidate, or per cost of trying it (front_gp only)",
    )
    until: UntilSection | None = Field(
        default=None, description="{expected_gain: G}: end early, a rule fixed beforehand; null: never"
    )

    @field_validator("sampler", mode="before")
    @classmethod
    def _as_optuna_writes_it(cls, value: Any) -> Any:
        return {"nsgaii": "nsga2", "nsgaiii": "nsga3"}.get(str(value).lower(), value)

    @field_validator("early_stopping", mode="before")
    @classmethod
    def _share_or_rule(cls, value: Any) -> Any:
        if value is None or isinstance(value, dict):
            return value
        try:
            return float("" if isinstance(value, bool) else value)
        except (TypeError, ValueError):
            raise ValueError(f"{value!r} must be a number, {{rule: NAME, ...options}}, or null") from None

    @field_validator("learning_rate")
    @classmethod
    def _rising(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not 0 < value[0] < value[1]:
            raise ValueError(f"{list(value)} is no range (allowed: [low, high] with 0 < low < high)")
        return value


AUTO = "auto"
AUTO_SHARE = 1.0
"""GPUs per trial with ``gpus_per_trial: auto``, until they are measured, and where there is no GPU to do it."""


class ResourcesSection(Section):
    """What one trial may use, and how long the whole may take."""

    cpus_per_trial: float = Field(default=1.0, gt=0, description="cores that Ray books per trial")
    gpus_per_trial: float | Literal["auto"] = Field(
        default=0.0,
        description="GPUs (or a fraction) per trial, its memory is capped to it; device cuda takes 1; auto measures one",
    )
    custom: dict[str, float] = Field(
        default={},
        description="what else a trial books, by the names that your nodes were started with: {a100: 1}, "
        "{'accelerator_type:A100': 0.001}; trials go to such nodes only",
    )
    threads: int = Field(
        default=1, ge=1, description="compute threads per trial; part of the key, since they change the bits"
    )
    max_concurrent: int | None = Field(default=None, ge=1, description="trials at the same time; null is what fits")
    device: Literal["cpu", "cuda"] = Field(default="cpu", description="where trials compute")
    max_hours: float | None = Field(default=None, gt=0, description="hard cap on the wall time of one run")
    hang_factor: float = Field(default=10.0, gt=1, description="a trial silent for so many of its epochs has failed")
    hang_floor_seconds: float = Field(default=120.0, gt=0, description="but never before so many seconds")
    checkpoint_seconds: float = Field(default=120.0, ge=0, description="seconds between checkpoints of a running trial")
    # allow: an upgrade must not make days of finished trials useless; every record, and the plan, says its build
    mixed_builds: Literal["allow", "refuse"] = Field(
        default="allow",
        description="what another torch, numpy, processor or prunefront made: allow it and say so, or refuse",
    )

    @model_validator(mode="before")
    @classmethod
    def _whole_gpu(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("device") == "cuda":
            return {"gpus_per_trial": 1.0, **values}
        return values

    @model_validator(mode="after")
    def _gpus_fit_device(self) -> ResourcesSection:
        share = self.share
        if self.gpus_per_trial == AUTO and self.device != "cuda":
            raise ValueError(f"gpus_per_trial is auto with device {self.device} (allowed: 0, or device: cuda)")
        if (self.device == "cuda") != (share > 0):
            allowed = "numbers above 0, or device: cpu" if self.device == "cuda" else "0, or device: cuda"
            raise ValueError(f"gpus_per_trial is {share:g} with device {self.device} (allowed: {allowed})")
        if share > 1 and share != int(share):
            raise ValueError(f"gpus_per_trial is {share:g} (allowed: fractions up to 1, and whole numbers)")
        return self

    @field_validator("custom")
    @classmethod
    def _amounts(cls, values: dict[str, float]) -> dict[str, float]:
        for name, amount in values.items():
            if name in ("CPU", "GPU") or not name.strip():
                raise ValueError(
                    f"custom names {name!r} (allowed: other names; cpus_per_trial and gpus_per_trial say the rest)"
                )
            if not amount > 0 or (amount > 1 and amount != int(amount)):
                raise ValueError(f"custom.{name} is {amount:g} (allowed: fractions up to 1, and whole numbers)")
        return values

    @property
    def share(self) -> float:
        """GPUs per trial as a number; `AUTO_SHARE` where they are to be measured."""
        return AUTO_SHARE if isinstance(self.gpus_per_trial, str) else self.gpus_per_trial


class TrackingSection(Section):
    """Where the books are kept."""

    mlflow: str | None = Field(
        default=None, description="MLflow tracking URI, without credentials; null is mlflow.db in the output folder"
    )
    experiment: str | None = Field(default=None, description="MLflow experiment; null is the project's name")
    optuna: str | None = Field(
        default=None, description="Optuna storage URL, without a password; null is optuna.db in the output folder"
    )
    tags: dict[str, str] = Field(default={}, description="tags of yours for every run in MLflow")
    log_models: int = Field(
        default=20,
        ge=0,
        description="networks of the front, at most, that become MLflow models after the sweep, seconds each; 0 is none",
    )

    @field_validator("log_models", mode="before")
    @classmethod
    def _not_one(cls, value: object) -> object:
        return (20 if value else 0) if isinstance(value, bool) else value

    @field_validator("tags")
    @classmethod
    def _own_tags(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if not re.fullmatch(r"[A-Za-z0-9_./ -]{1,100}", name) or name.startswith(("mlflow.", "prunefront.")):
                raise ValueError(
                    f"{name!r} cannot be a tag (allowed: letters, digits, _ . / - and spaces; not mlflow.*, prunefront.*)"
                )
        return value


def choices_of(section: ArmSection) -> Iterator[dict[str, Any]]:
    """Yield every combination of the options that an entry leaves to choose; an empty one where it leaves none."""
    for values in itertools.product(*section.choices.values()):
        yield dict(zip(section.choices, values, strict=True))
