"""Parameters of Optuna's trials as numbers: categories as codes, numeric axes on [0, 1], what is absent as absent."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from optuna.distributions import BaseDistribution, CategoricalDistribution

Params = Mapping[str, Any]


def stem(name: str) -> str:
    """Return the axis that a parameter belongs to: ``ratio of a`` and ``ratio of b`` are both ``ratio``."""
    return name.split(" of ", 1)[0]


@dataclass(frozen=True)
class NumericAxis:
    """A numeric axis: values between ``low`` and ``high``, on a logarithmic scale of ``value + shift`` where ``log``."""

    name: str
    low: float
    high: float
    log: bool
    shift: float = 0.0

    def scaled(self, value: Any) -> float:
        """Return a value's place in [0, 1]."""
        low, high, at = (self._own(each) for each in (self.low, self.high, float(value)))
        return (at - low) / (high - low) if high > low else 0.5

    def _own(self, value: float) -> float:
        return math.log(value + self.shift) if self.log else value


@dataclass(frozen=True)
class Points:
    """N points.

    Attributes:
        codes: ``(N, C)`` whole numbers, one per categorical axis; -1 where a point lacks it.
        places: ``(N, D)`` in [0, 1], one per numeric axis; 0 where a point lacks it.
        present: ``(N, D)``, whether the point has it.
        partial: of each numeric axis, whether some point of the problem lacks it, even if none of these does.
        trends: ``(N, 2)``, how dear a point is known to be, and how far along the axes that help, against the others; None:
            nothing of that is known.
    """

    codes: torch.Tensor
    places: torch.Tensor
    present: torch.Tensor
    partial: tuple[bool, ...]
    trends: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: torch.Tensor) -> Points:
        """Return some of the points."""
        trends = None if self.trends is None else self.trends[rows]
        return Points(self.codes[rows], self.places[rows], self.present[rows], self.partial, trends)


class Encoding:
    """The axes of a search space and the way from parameters to `Points`.

    Args:
        distributions: of every parameter; those with one stem are one axis.
        axis_of: returns a parameter's axis.
    """

    def __init__(self, distributions: Mapping[str, BaseDistribution], axis_of: Callable[[str], str] = stem) -> None:
        self._axis_of = axis_of
        grouped: dict[str, list[BaseDistribution]] = {}
        for name in sorted(distributions):
            grouped.setdefault(axis_of(name), []).append(distributions[name])
        self.numeric: list[NumericAxis] = []
        self.categories: list[tuple[str, dict[str, int]]] = []
        for name, found in grouped.items():
            axis = _numeric(name, found)
            if axis is not None:
                self.numeric.append(axis)
            else:
                values = dict.fromkeys(repr(each) for one in found for each in _choices(one))
                self.categories.append((name, {value: code for code, value in enumerate(values)}))

    def points(self, params: Sequence[Params]) -> Points:
        """Return the points of some parameters."""
        rows = [{self._axis_of(name): value for name, value in one.items()} for one in params]
        codes = [
            [values.get(repr(row[name]), -1) if name in row else -1 for name, values in self.categories] for row in rows
        ]
        places = [[axis.scaled(row[axis.name]) if axis.name in row else 0.0 for axis in self.numeric] for row in rows]
        present = [[axis.name in row for axis in self.numeric] for row in rows]
        count = len(rows)
        return Points(
            torch.tensor(codes, dtype=torch.int64).reshape(count, len(self.categories)),
            torch.tensor(places, dtype=torch.float64).reshape(count, len(self.numeric)),
            torch.tensor(present, dtype=torch.bool).reshape(count, len(self.numeric)),
            tuple(not all(column) for column in zip(*present, strict=True)) or (False,) * len(self.numeric),
        )


def _choices(distribution: BaseDistribution) -> tuple[Any, ...]:
    return tuple(distribution.choices) if isinstance(distribution, CategoricalDistribution) else ()


def _numeric(name: str, found: Iterable[BaseDistribution]) -> NumericAxis | None:
    """Return the axis where all of its values are numbers, also numbers written as text; else None."""
    values: list[float] = []
    log = False
    for one in found:
        if isinstance(one, CategoricalDistribution):
            if any(isinstance(choice, bool) for choice in one.choices):
                return None
            try:
                values += [float(choice) for choice in one.choices]
            except (TypeError, ValueError):
                return None
        else:
            values += [float(one.low), float(one.high)]
            log = log or bool(getattr(one, "log", False))
    low, high = min(values), max(values)
    if not math.isfinite(low) or not math.isfinite(high):
        return None
    if log and low > 0:
        return NumericAxis(name, low, high, True)
    # epochs, widths: what doubles changes about as much each time
    return NumericAxis(name, low, high, True, 1.0) if low >= 0 and high >= 4 else NumericAxis(name, low, high, False)
