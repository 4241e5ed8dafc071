"""The search space in Optuna's words: parameter names, distributions, and the way between candidates and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sweeps.search.space import ArmSpace, Axis, Candidate, Space, Span, Value
from sweeps.study.values import Limit

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial

TUNED = "tuning epochs"
"""The budget in the rows of the storage."""
Way = tuple[tuple[str, str], ...]
"""The choices that lead to an arm: network, method, layers ... each with its value."""


class Parameters:
    """Names and distributions of a space's axes.

    The arm is chosen first, step by step (network, then method, then what the method may choose from), then its own axes. A
    step or an axis that offers the same everywhere is one parameter, so that what is learned about a method or a ratio
    serves all networks; those that differ are parameters of their own. Steps and axes are conditional: a parameter exists
    only in trials where it matters.

    Args:
        space: what candidates are made of.
        to_look_at: for people, not for a sampler: a step without a choice is left out, and the budget is called `TUNED`.
            optuna-dashboard draws at first what comes first by name, and takes a budget of 0 for a missing one.
    """

    def __init__(self, space: Space, *, to_look_at: bool = False) -> None:
        self.space = space
        self._to_look_at = to_look_at
        self._ways = {arm.arm: _way(arm) for arm in space.arms}
        self._arms = {way: name for name, way in self._ways.items()}
        self._steps = _steps_of(list(self._ways.values()))
        self._names = {arm.arm: {axis: self._name(arm, axis) for axis in arm.axes()} for arm in space.arms}
        self._offered: dict[tuple[str, str], tuple[BaseDistribution, bool]] = {}

    def _name(self, arm: ArmSpace, axis: str) -> str:
        axis_name = TUNED if axis == "budget" and self._to_look_at else axis
        variants = {repr(other.axes()[axis]) for other in self.space.arms if axis in other.axes()}
        return axis_name if len(variants) == 1 else f"{axis_name} of {arm.arm}"

    def suggest(self, trial: Trial, number: int) -> Candidate:
        """Return the candidate that a trial under way chooses, arm first."""
        way: Way = ()
        while way not in self._arms:
            part, name, choices = self._steps[way]
            way = (*way, (part, str(_suggest(trial, name, _categories(choices)))))
        arm = self.space.arm(self._arms[way])
        if arm is None:
            raise LookupError("the sampler chose an arm that the space does not have")
        chosen: dict[str, Value] = {}
        for axis, values in arm.axes().items():
            if arm.applies(axis, chosen):
                chosen[axis] = _value(values, _suggest(trial, self._names[arm.arm][axis], _distribution(values)))
        return arm.candidate(chosen, number)

    def of(self, candidate: Candidate) -> tuple[dict[str, Value], dict[str, BaseDistribution]] | None:
        """Return the candidate's parameters and their distributions, or None when it is outside the space."""
        arm = self.space.arm(candidate.arm)
        chosen = arm.chosen(candidate) if arm is not None else None
        if arm is None or chosen is None:
            return None
        parameters: dict[str, Value] = {}
        distributions: dict[str, BaseDistribution] = {}
        way = self._ways[arm.arm]
        for depth, (_, value) in enumerate(way):
            _, name, choices = self._steps[way[:depth]]
            if len(choices) > 1 or not self._to_look_at:
                parameters[name], distributions[name] = value, _categories(choices)
        for axis, values in arm.axes().items():
            if axis in chosen:
                name = self._names[arm.arm][axis]
                offered, numbers = self._axis(arm.arm, axis, values)
                parameters[name] = _parameter(chosen[axis], numbers=numbers)
                distributions[name] = offered
        return parameters, distributions

    def _axis(self, arm: str, name: str, values: Axis) -> tuple[BaseDistribution, bool]:
        """Return an axis in Optuna's words, and whether its values are numbers there; made once, not per candidate."""
        if (arm, name) not in self._offered:
            numbers = not isinstance(values, Span) and _steps(values) is not None
            self._offered[arm, name] = _distribution(values), numbers
        return self._offered[arm, name]


def _way(arm: ArmSpace) -> Way:
    return arm.parts or (("arm", arm.arm),)


def _steps_of(ways: list[Way]) -> dict[Way, tuple[str, str, tuple[str, ...]]]:
    """Return what is chosen after each beginning of a way: the part, its parameter's name, and the choices."""
    found: dict[Way, tuple[str, list[str]]] = {}
    for way in ways:
        for depth, (part, value) in enumerate(way):
            choices = found.setdefault(way[:depth], (part, []))[1]
            if value not in choices:
                choices.append(value)
    steps = {}
    for before, (part, choices) in found.items():
        variants = {tuple(other) for name, other in found.values() if name == part}
        name = part if len(variants) == 1 else f"{part} of {'-'.join(value for _, value in before)}"
        steps[before] = (part, name, tuple(choices))
    return steps


def _categories(choices: tuple[str, ...]) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution

    return CategoricalDistribution(list(choices))


def _suggest(trial: Trial, name: str, distribution: BaseDistribution) -> Value:
    """Return what the trial suggests for one parameter."""
    from optuna.distributions import FloatDistribution, IntDistribution

    if isinstance(distribution, FloatDistribution):
        low, high = distribution.low, distribution.high
        return float(trial.suggest_float(name, low, high, step=distribution.step, log=distribution.log))
    if isinstance(distribution, IntDistribution):
        return int(trial.suggest_int(name, distribution.low, distribution.high, step=distribution.step))
    chosen: Value = trial.suggest_categorical(name, distribution.choices)
    return chosen


def _steps(axis: Axis) -> tuple[Decimal, Decimal] | None:
    """Return lowest value and step of choices that are evenly spaced numbers, else None."""
    if isinstance(axis, Span) or any(isinstance(value, bool) for value in axis.values):
        return None
    try:
        numbers = sorted(Decimal(str(value)) for value in axis.values)
    except ArithmeticError:
        return None
    gaps = {high - low for low, high in zip(numbers, numbers[1:], strict=False)}
    return (numbers[0], gaps.pop()) if len(gaps) == 1 else None


def _distribution(axis: Axis) -> BaseDistribution:
    """Return a float or integer range where the values are evenly spaced (their order is kept), else categories."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(axis, Span):
        return FloatDistribution(axis.low, axis.high, log=axis.log)
    steps = _steps(axis)
    if steps is None:
        return CategoricalDistribution(list(axis.values))
    low, step = steps
    high = low + step * (len(axis.values) - 1)
    if all(isinstance(value, int) for value in axis.values):
        return IntDistribution(int(low), int(high), step=int(step))
    return FloatDistribution(float(low), float(high), step=float(step))


def _parameter(value: Value, *, numbers: bool) -> Value:
    """Return a value as Optuna holds it: ratios are strings with us, numbers there."""
    return float(value) if numbers and not isinstance(value, int) else value


def _value(axis: Axis, parameter: Value) -> Value:
    """Return the axis's own value for what Optuna suggests; the nearest one for a range with steps."""
    if isinstance(axis, Span):
        return axis.near(float(parameter))
    if _steps(axis) is not None:
        return min(axis.values, key=lambda value: abs(float(value) - float(parameter)))
    return parameter


def limit_name(limit: tuple[str, str, float]) -> str:
    """Return the name of a limit (column, comparison, bound) among constraints."""
    return f"{limit[0]} {limit[1]} {limit[2]:.12g}"


def excess(limit: tuple[str, str, float], values: Mapping[str, float]) -> float:
    """Return by how much a limit (column, comparison, bound) is missed; at most 0 exactly where it is met."""
    return Limit(*limit).excess(values[limit[0]])


def parameters_text(parameters: Mapping[str, Any]) -> str:
    """Return a text that is the same for the same parameters."""
    return repr(sorted(parameters.items()))
