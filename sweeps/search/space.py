"""What a search may choose from: arms with their ratios, budgets and further axes, and the candidates made of them."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from prune_core.base.description import content_key
from prune_core.base.errors import BadInput
from prune_core.base.files import parse_json

Value = str | int | float | bool

KEY = "prunefront.candidate"
"""The attribute of a row in Optuna's books that holds a candidate's `Candidate.key`."""


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
        fine_tuning: what differs from the arm's fine-tuning recipe, for example ``{"learning_rate": 0.01}``; nothing at
            budget 0, where nothing is fine-tuned.
        number: position in the order of proposing; not part of what the candidate is.
    """

    arm: str
    ratio: str
    budget: int | None = None
    fine_tuning: Mapping[str, Value] = field(default_factory=dict, hash=False)
    number: int = field(default=-1, compare=False)

    @property
    def key(self) -> str:
        """The candidate's name in the books: readable, the same for the same candidate in every run."""
        parts = [self.arm, self.ratio, "-" if self.budget is None else str(self.budget)]
        if self.fine_tuning:
            parts.append(json.dumps({"fine_tuning": dict(self.fine_tuning)}, sort_keys=True))
        return "|".join(parts)

    @property
    def way(self) -> str:
        """The key of what candidates share that are one training of different length: arm, ratio and recipe."""
        return replace(self, budget=None).key

    def at(self, budget: int) -> Candidate:
        """Return the same candidate as it is at a budget, where nothing is fine-tuned without the recipe's axes."""
        return replace(self, budget=budget, fine_tuning=self.fine_tuning if budget else {})

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
        more = parse_json(rest[0]) if rest else {}
        return Candidate(arm, ratio, None if budget == "-" else int(budget), more.get("fine_tuning", {}), number)


@dataclass(frozen=True)
class ArmSpace:
    """What may be chosen within one arm.

    Attributes:
        arm: the arm's name.
        ratios: canonical decimals.
        budgets: epochs; empty where the budget is not an axis.
        fine_tuning: further axes of the fine-tuning recipe, by field; a candidate of budget 0 has none of them.
        parts: what the arm is chosen by, step by step, for example network, method and its layers, with the choice that
            leads here; empty chooses it by its name. Arms that agree up to a step have the same step next.
        walks: epochs at which a candidate without a budget of its own is judged, rising: with early stopping it walks.
    """

    arm: str
    ratios: tuple[str, ...]
    budgets: tuple[int, ...] = ()
    fine_tuning: Mapping[str, Axis] = field(default_factory=dict)
    parts: tuple[tuple[str, str], ...] = ()
    walks: tuple[int, ...] = ()

    def axes(self) -> dict[str, Axis]:
        """Return the arm's axes by name: ``ratio``, ``budget``, ``fine_tuning.*``, in the order in which they are chosen."""
        axes: dict[str, Axis] = {"ratio": Choices(self.ratios)}
        if self.budgets:
            axes["budget"] = Choices(self.budgets)
        axes |= {f"fine_tuning.{name}": axis for name, axis in self.fine_tuning.items()}
        return axes

    def applies(self, axis: str, chosen: Mapping[str, Value]) -> bool:
        """Return whether an axis matters, given the values of those before it: no rate where nothing is fine-tuned."""
        return not axis.startswith("fine_tuning.") or chosen.get("budget") != 0

    def candidate(self, chosen: Mapping[str, Value], number: int = -1) -> Candidate:
        """Return the candidate of one value per axis."""
        tuned = [name for name in self.fine_tuning if self.applies(f"fine_tuning.{name}", chosen)]
        return Candidate(
            arm=self.arm,
            ratio=str(chosen["ratio"]),
            budget=int(chosen["budget"]) if self.budgets else None,
            fine_tuning={name: chosen[f"fine_tuning.{name}"] for name in tuned},
            number=number,
        )

    def chosen(self, candidate: Candidate) -> dict[str, Value] | None:
        """Return the candidate's value on every axis, or None when it is not within this arm's space."""
        values: dict[str, Value] = {"ratio": candidate.ratio}
        if candidate.budget is not None:
            values["budget"] = candidate.budget
        values |= {f"fine_tuning.{name}": value for name, value in candidate.fine_tuning.items()}
        axes = {name: axis for name, axis in self.axes().items() if self.applies(name, values)}
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
        ways = [arm.parts or (("arm", arm.arm),) for arm in self.arms]
        steps: dict[tuple[tuple[str, str], ...], str] = {}
        for way in ways:
            for depth, (part, _) in enumerate(way):
                if steps.setdefault(way[:depth], part) != part:
                    raise BadInput(f"search space: after {way[:depth]} some arms are chosen by {part}, others not")
        if len(set(ways)) < len(ways) or any(way in steps for way in ways):
            raise BadInput(f"search space: the arms {names} cannot be told apart by what they are chosen by")

    def arm(self, name: str) -> ArmSpace | None:
        """Return the arm of that name, or None."""
        return next((arm for arm in self.arms if arm.arm == name), None)

    def walked(self) -> Space | None:
        """Return the space in which every budget that candidates walk through is one to choose; None where none walks."""
        if not all(arm.walks for arm in self.arms):
            return None
        return Space(tuple(replace(arm, budgets=arm.walks, walks=()) for arm in self.arms))

    def contains(self, candidate: Candidate) -> bool:
        """Return whether the candidate can be asked for here."""
        arm = self.arm(candidate.arm)
        return arm is not None and arm.chosen(candidate) is not None

    @property
    def size(self) -> int | None:
        """How many candidates there are; None when an axis is continuous."""
        return None if self._continuous else len(self._listed)

    @cached_property
    def _continuous(self) -> bool:
        return any(isinstance(axis, Span) for arm in self.arms if arm.budgets != (0,) for axis in arm.axes().values())

    @cached_property
    def _listed(self) -> tuple[Candidate, ...]:
        found: dict[str, Candidate] = {}
        for arm in self.arms:
            axes = {name: axis.values for name, axis in arm.axes().items() if isinstance(axis, Choices)}
            for values in itertools.product(*axes.values()):
                candidate = arm.candidate(dict(zip(axes, values, strict=True)))
                found.setdefault(candidate.key, candidate)
        return tuple(found.values())

    def candidates(self) -> Iterator[Candidate]:
        """Yield every candidate of a finite space, in the order of the arms and of their axes' values.

        Raises:
            BadInput: an axis is continuous.
        """
        if self._continuous:
            raise BadInput("search space: a continuous axis has no grid; allowed are the searches random and optuna")
        yield from self._listed

    def digest(self, objectives: Sequence[tuple[str, str]]) -> str:
        """Return a short key of the space and the objectives: Optuna's study of one cannot take trials of another."""
        arms = [
            [arm.arm, {name: _plain(axis) for name, axis in arm.axes().items()}, [list(part) for part in arm.parts]]
            for arm in self.arms
        ]
        return content_key({"arms": arms, "objectives": [list(pair) for pair in objectives]}, length=6)


def _within(axis: Axis, value: Value) -> bool:
    if isinstance(axis, Choices):
        return value in axis.values
    return isinstance(value, int | float) and axis.low <= value <= axis.high


def _plain(axis: Axis) -> list[Value]:
    return [*axis.values] if isinstance(axis, Choices) else ["span", axis.low, axis.high, axis.log]
