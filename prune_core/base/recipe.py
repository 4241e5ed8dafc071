"""How a network is trained, as plain validated data: a recipe is part of a description, so of a key. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar

from prune_core.base.described import Described
from prune_core.base.errors import BadInput

SCHEDULES = ("constant", "step", "cosine")
AUGMENTATIONS = ("none", "shift", "crop_flip")
PRECISIONS = ("fp32", "tf32", "bf16")


@dataclass(frozen=True)
class Recipe(Described):
    """SGD training; the defaults are those of Mitra, Schwalbe and Klein (CVPR Workshops 2024), who train as Liu et al. 2019.

    Attributes:
        epochs: length of the whole training; also the length that ``cosine`` and fractional milestones refer to.
        learning_rate: the highest rate, above 0.
        batch_size: images per step, at least 2 (batch norm); the last, partial batch of an epoch is kept.
        momentum: in [0, 1).
        weight_decay: L2, on every parameter, batch norm and biases included.
        nesterov: Nesterov momentum.
        schedule: ``constant``, ``step`` (times ``gamma`` at each milestone) or ``cosine`` (to 0, step by step).
        milestones: epochs counted from 0; numbers below 1 are fractions of ``epochs``.
        gamma: factor of one milestone, in (0, 1].
        warmup_epochs: the rate rises linearly over so many epochs.
        augmentation: ``none``, ``shift`` (zero-pad 2, random crop) or ``crop_flip`` (zero-pad 4, random crop, flip p = .5).
        precision: ``fp32``; ``tf32``, products with 10-bit mantissas on a GPU; or ``bf16`` autocast. Weights, sums and the
            optimiser are float32 in each.
        sparsity: strength s of the L1 subgradient on the scales of every BatchNorm2d (network slimming); 0 is off.
        label_smoothing: in [0, 1).

    Raises:
        BadInput: a value outside its range; the message names the field.
    """

    FOUNDING: ClassVar[tuple[str, ...]] = (
        *(
            "epochs",
            "learning_rate",
            "batch_size",
            "momentum",
            "weight_decay",
            "nesterov",
            "schedule",
            "milestones",
            "gamma",
        ),
        *("warmup_epochs", "augmentation", "precision", "sparsity", "label_smoothing"),
    )

    epochs: int = 0
    learning_rate: float = 0.1
    batch_size: int = 64
    momentum: float = 0.9
    weight_decay: float = 1e-4
    nesterov: bool = False
    schedule: str = "constant"
    milestones: tuple[float, ...] = ()
    gamma: float = 0.1
    warmup_epochs: float = 0.0
    augmentation: str = "none"
    precision: str = "fp32"
    sparsity: float = 0.0
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        _whole("epochs", self.epochs, 0)
        _whole("batch_size", self.batch_size, 2)
        _number("learning_rate", self.learning_rate, 0.0, math.inf, open_low=True)
        _number("momentum", self.momentum, 0.0, 1.0, open_high=True)
        _number("gamma", self.gamma, 0.0, 1.0, open_low=True)
        _number("label_smoothing", self.label_smoothing, 0.0, 1.0, open_high=True)
        for name in ("weight_decay", "warmup_epochs", "sparsity"):
            _number(name, getattr(self, name), 0.0, math.inf)
        _choice("schedule", self.schedule, SCHEDULES)
        _choice("augmentation", self.augmentation, AUGMENTATIONS)
        _choice("precision", self.precision, PRECISIONS)
        if not isinstance(self.nesterov, bool):
            raise BadInput(f"training: nesterov is {self.nesterov!r}, allowed: true, false")
        if self.nesterov and self.momentum == 0:
            raise BadInput("training: nesterov needs a momentum above 0")
        for milestone in self.milestones:
            _number("milestones", milestone, 0.0, math.inf, open_low=True)
        if self.milestones and self.schedule != "step":
            raise BadInput(f"training: milestones belong to schedule 'step', not {self.schedule!r}")

    @property
    def depends_on_length(self) -> bool:
        """Whether the first epochs of a longer training differ from a shorter one: then budgets are no prefixes."""
        return self.schedule == "cosine" or any(milestone < 1 for milestone in self.milestones)

    def effective(self, *, whole: bool) -> Recipe:
        """Return the recipe with every field that has no influence on the weights at its default.

        Args:
            whole: ``epochs`` is how long is trained; otherwise the length is said elsewhere (fine-tuning: by the budgets).
        """
        milestones = self.milestones
        if whole:  # a drop of the rate after the last epoch is none
            milestones = tuple(each for each in milestones if boundary(each, self.epochs) < self.epochs)
        schedule = "constant" if self.schedule == "step" and not milestones else self.schedule
        gamma = self.gamma if milestones else Recipe.gamma
        if (schedule, milestones, repr(gamma)) == (self.schedule, self.milestones, repr(self.gamma)):
            return self  # thousands of trials share it, with its plain form
        return replace(self, schedule=schedule, milestones=milestones, gamma=gamma)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data with every default resolved."""
        return {**asdict(self), "milestones": list(self.milestones)}

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Recipe:
        """Return `from_dict`: a recipe in a description is a recipe."""
        return cls.from_dict(values)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Recipe:
        """Return the recipe of a mapping; what is left out takes its default.

        Raises:
            BadInput: an unknown key, or a value outside its range.
        """
        allowed = [field.name for field in fields(cls)]
        unknown = sorted(set(values) - set(allowed))
        if unknown:
            raise BadInput(f"training: unknown key {unknown[0]!r} (allowed: {', '.join(allowed)})")
        plain = dict(values)
        milestones = plain.get("milestones", ())
        if not isinstance(milestones, list | tuple):
            raise BadInput(f"training: milestones is {milestones!r}, allowed: a list of epochs")
        return cls(**{**plain, "milestones": tuple(milestones)})


def boundary(milestone: float, epochs: int) -> int:
    """Return the 0-based epoch at whose start the rate drops: a fraction of ``epochs`` is rounded up."""
    return math.ceil(round(milestone * epochs, 9)) if milestone < 1 else math.ceil(milestone)


def _whole(name: str, value: object, low: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise BadInput(f"training: {name} is {value!r}, allowed: whole numbers from {low}")


def _number(name: str, value: object, low: float, high: float, *, open_low: bool = False, open_high: bool = False) -> None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and low <= value <= high
    if not good or (open_low and value == low) or (open_high and value == high):
        left, right = "(" if open_low else "[", ")" if open_high or math.isinf(high) else "]"
        raise BadInput(f"training: {name} is {value!r}, allowed: numbers in {left}{low:g}, {high:g}{right}")


def _choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise BadInput(f"training: {name} is {value!r}, allowed: {', '.join(allowed)}")
