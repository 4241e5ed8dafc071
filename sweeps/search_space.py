"""What a search may choose from: arms with their ratios, budgets and further axes, and the candidates made of them."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from prune_core.description import content_key
from prune_core.errors import BadInput

Value = str | int | float | bool


@dataclass(frozen=True)
class Choices:
    """A finite axis.

    Attributes:
        values: what is allowed, all different, in the order in which they were given.
    """

    values: tuple[Value, ...]


@dataclass(frozen=True)
class Span:
    """A continuous axis from ``low`` to ``high``, both included, optionally on a logarithmic scale."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        ordered = math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high
        if not ordered or (self.log and self.low <= 0):
            raise BadInput(f"search range [{self.low}, {self.high}]: allowed is low < high, and low > 0 on a log scale")

    def near(self, value: float) -> float:
        """Return the value rounded to four digits, which is finer than any effect and reads well in tables."""
        return min(self.high, max(self.low, float(f"{value:.4g}")))


Axis = Choices | Span


@dataclass(frozen=True)
class Candidate:
    """One point of the search: an arm at a ratio and a budget, over all seeds.

    Attributes:
        arm: the arm's name.
        ratio: pruning ratio as a canonical decimal, for example ``"0.5"``.
        budget: epochs of fine-tuning; None where the study has no such axis.
        fine_tuning: what differs from the arm's fine-tuning recipe, for example ``{"learning_rate": 0.01}``.
        options: what differs from the arm's method options, for example ``{"layers": "all"}``.
        number: position in the order of proposing; not part of what the candidate is.
    """

    arm: str
    ratio: str
    budget: int | None = None
    fine_tuning: Mapping[str, Value] = field(default_factory=dict, hash=False)
    options: Mapping[str, Value] = field(default_factory=dict, hash=False)
    number: int = field(default=-1, compare=False)

    @property
    def key(self) -> str:
        """The candidate's name in the books: readable, the same for the same candidate in every run."""
        parts = [self.arm, self.ratio, "-" if self.budget is None else str(self.budget)]
        more = {"fine_tuning": dict(self.fine_tuning), "options": dict(self.options)}
        if self.fine_tuning or self.options:
            parts.append(json.dumps({name: value for name, value in more.items() if value}, sort_keys=True))
        return "|".join(parts)

    def numbered(self, number: int) -> Candidate:
        """Return the same candidate with a number."""
        return replace(self, number=number)

    @staticmethod
    def from_key(key: str, number: int = -1) -> Candidate:
        """Return the candidate of a `key`.

        Raises:
            ValueError: that is no candidate's key.
        """
        arm, ratio, budget, *rest = key.split("|", 3)
        more = json.loads(rest[0]) if rest else {}
        return Candidate(
            arm, ratio, None if budget == "-" else int(budget), more.get("fine_tuning", {}), more.get("options", {}), number
        )


@dataclass(frozen=True)
class ArmSpace:
    """What may be chosen within one arm.

    Attributes:
        arm: the arm's name.
        ratios: canonical decimals.
        budgets: epochs; empty where the budget is not an axis.
        fine_tuning: further axes of the fine-tuning recipe, by field.
        options: further axes of the method's options, by option.
    """

    arm: str
    ratios: tuple[str, ...]
    budgets: tuple[int, ...] = ()
    fine_tuning: Mapping[str, Axis] = field(default_factory=dict)
    options: Mapping[str, Axis] = field(default_factory=dict)

    def axes(self) -> dict[str, Axis]:
        """Return the arm's axes by name: ``ratio``, ``budget``, ``fine_tuning.*``, ``options.*``."""
        axes: dict[str, Axis] = {"ratio": Choices(self.ratios)}
        if self.budgets:
            axes["budget"] = Choices(self.budgets)
        axes |= {f"fine_tuning.{name}": axis for name, axis in self.fine_tuning.items()}
        axes |= {f"options.{name}": axis for name, axis in self.options.items()}
        return axes

    def candidate(self, chosen: Mapping[str, Value], number: int = -1) -> Candidate:
        """Return the candidate of one value per axis."""
        return Candidate(
            arm=self.arm,
            ratio=str(chosen["ratio"]),
            budget=int(chosen["budget"]) if self.budgets else None,
            fine_tuning={name: chosen[f"fine_tuning.{name}"] for name in self.fine_tuning},
            options={name: chosen[f"options.{name}"] for name in self.options},
            number=number,
        )

    def chosen(self, candidate: Candidate) -> dict[str, Value] | None:
        """Return the candidate's value on every axis, or None when it is not within this arm's space."""
        values: dict[str, Value] = {"ratio": candidate.ratio}
        if candidate.budget is not None:
            values["budget"] = candidate.budget
        values |= {f"fine_tuning.{name}": value for name, value in candidate.fine_tuning.items()}
        values |= {f"options.{name}": value for name, value in candidate.options.items()}
        axes = self.axes()
        inside = set(values) == set(axes) and all(_within(axes[name], value) for name, value in values.items())
        return values if inside else None


@dataclass(frozen=True)
class Space:
    """All arms of a search; arm names differ."""

    arms: tuple[ArmSpace, ...]

    def __post_init__(self) -> None:
        names = [arm.arm for arm in self.arms]
        if not names or len(set(names)) < len(names) or any(not arm.ratios or "|" in arm.arm for arm in self.arms):
            raise BadInput(f"search space: needs arms with different names (without '|') and ratios, has {names}")

    def arm(self, name: str) -> ArmSpace | None:
        """Return the arm of that name, or None."""
        return next((arm for arm in self.arms if arm.arm == name), None)

    def contains(self, candidate: Candidate) -> bool:
        """Return whether the candidate can be asked for here."""
        arm = self.arm(candidate.arm)
        return arm is not None and arm.chosen(candidate) is not None

    @property
    def size(self) -> int | None:
        """How many candidates there are; None when an axis is continuous."""
        axes = [list(arm.axes().values()) for arm in self.arms]
        if any(isinstance(axis, Span) for row in axes for axis in row):
            return None
        return sum(math.prod(len(axis.values) for axis in row if isinstance(axis, Choices)) for row in axes)

    def candidates(self) -> Iterator[Candidate]:
        """Yield every candidate of a finite space, in the order of the arms and of their axes' values.

        Raises:
            BadInput: an axis is continuous.
        """
        if self.size is None:
            raise BadInput("search space: a continuous axis has no grid; allowed are the searches random and optuna")
        for arm in self.arms:
            axes = {name: axis.values for name, axis in arm.axes().items() if isinstance(axis, Choices)}
            for values in itertools.product(*axes.values()):
                yield arm.candidate(dict(zip(axes, values, strict=True)))

    def digest(self, objectives: Sequence[tuple[str, str]]) -> str:
        """Return a short key of the space and the objectives: Optuna's study of one cannot take trials of another."""
        arms = [[arm.arm, {name: _plain(axis) for name, axis in arm.axes().items()}] for arm in self.arms]
        return content_key({"arms": arms, "objectives": [list(pair) for pair in objectives]}, length=6)


def _within(axis: Axis, value: Value) -> bool:
    if isinstance(axis, Choices):
        return value in axis.values
    return isinstance(value, int | float) and axis.low <= value <= axis.high


def _plain(axis: Axis) -> list[Value]:
    return [*axis.values] if isinstance(axis, Choices) else ["span", axis.low, axis.high, axis.log]
