"""Small values of a study file, each with one meaning: ratios as decimals, limits as comparisons, lists without repeats."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BeforeValidator

from prune_core.base.plain_text import csv_cell

LONGEST_LABEL = 200
T = TypeVar("T", bound=Hashable)

_LIMIT = re.compile(r"^\s*([a-z][a-z0-9_]*)\s*(<=|>=|<|>)\s*([-+0-9._eE]+)\s*$")
_BARELY = 1e-12
"""By how much a strict limit counts as missed at its bound."""
_HOLDS: dict[str, Callable[[Any, Any], Any]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


def _printable(text: str) -> str:
    """A name goes to terminals, file names and pages: what moves a cursor or turns the reading order has no place in it."""
    if text and text.isprintable() and len(text) <= LONGEST_LABEL:
        return text
    raise ValueError(f"allowed: 1 to {LONGEST_LABEL} printable characters")


def _no_formula(text: str) -> str:
    """A label begins cells of the tables as CSV, which spreadsheets open."""
    if csv_cell(text) != text:
        raise ValueError("allowed: labels that begin with none of = + - @, which a spreadsheet takes for a formula")
    return text


def canonical_ratio(value: object) -> str:
    """Return a pruning ratio as the one decimal text it has in descriptions: 0.50 and "0.5" are both "0.5".

    Raises:
        ValueError: no number, or outside [0, 1).
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError(f"{value!r} is no ratio (allowed: decimals in [0, 1))")
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError(f"{value!r} is no ratio (allowed: decimals in [0, 1))") from None
    if not number.is_finite() or not 0 <= number < 1:
        raise ValueError(f"ratio {value} is out of range (allowed: decimals in [0, 1))")
    return format(number.normalize(), "f") if number else "0"


@dataclass(frozen=True)
class Limit:
    """One demand on a candidate, for example ``val_ece_t <= 0.05``.

    Attributes:
        column: the record's column.
        comparison: ``<=``, ``>=``, ``<`` or ``>``.
        value: the bound.
    """

    column: str
    comparison: str
    value: float

    def holds(self, measured: float) -> bool:
        """Return whether a measured value meets the limit; a value that is not a number never does."""
        return bool(_HOLDS[self.comparison](measured, self.value))

    def holds_each(self, measured: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return `holds` of each of many values, ``(N,)``."""
        each: NDArray[np.bool_] = _HOLDS[self.comparison](measured, self.value)
        return each

    def excess(self, measured: float) -> float:
        """Return by how much the limit is missed, at most 0 exactly where it is met (what Optuna calls a constraint).

        A strict limit is missed at its bound by nothing at all, which Optuna would take for met: it is `_BARELY`.
        """
        missed = measured - self.value if self.comparison.startswith("<") else self.value - measured
        return _BARELY if missed == 0 and not self.holds(measured) else missed

    def __str__(self) -> str:
        return f"{self.column} {self.comparison} {self.value:.12g}"


def parse_limit(text: str) -> Limit:
    """Return the limit that a text says.

    Raises:
        ValueError: the text is no limit.
    """
    match = _LIMIT.match(text)
    try:
        if match is not None:
            return Limit(match[1], match[2], float(match[3]))
    except ValueError:
        pass
    raise ValueError(f"{text!r} is no limit (allowed: COLUMN <= NUMBER, or >=, <, >; for example 'val_ece_t <= 0.05')")


def _no_repeats(values: tuple[T, ...]) -> tuple[T, ...]:
    seen: set[T] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{value!r} is listed twice")
        seen.add(value)
    return values


def _some(values: tuple[T, ...]) -> tuple[T, ...]:
    if not values:
        raise ValueError("the list is empty (allowed: at least one entry)")
    return _no_repeats(values)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str | int | float) and not isinstance(value, bool) else value


def _budget(value: Any) -> Any:
    # pydantic would take 2.0 and "2"; a budget is counted in whole epochs and written so
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no budget (allowed: whole numbers of epochs, from 0)")
    return value


def _seed(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no seed (allowed: whole numbers from 0)")
    return value


def _limit_text(value: str) -> str:
    return str(parse_limit(value))


def _in_order(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(sorted(values, key=Decimal))


Ratio = Annotated[str, BeforeValidator(canonical_ratio)]
Ratios = Annotated[tuple[Ratio, ...], AfterValidator(_some), AfterValidator(_in_order), BeforeValidator(_listed)]
Budgets = Annotated[
    tuple[Annotated[int, BeforeValidator(_budget)], ...],
    AfterValidator(_some),
    AfterValidator(_in_order),
    BeforeValidator(_listed),
]
Label = Annotated[str, AfterValidator(_printable), AfterValidator(_no_formula)]
Title = Annotated[str, AfterValidator(lambda text: text and _printable(text))]
Seed = Annotated[int, BeforeValidator(_seed)]
Seeds = Annotated[tuple[Seed, ...], AfterValidator(_some), BeforeValidator(_listed)]
Names = Annotated[tuple[str, ...], AfterValidator(_some), BeforeValidator(_listed)]
PRIMARY_METRICS: tuple[Literal["accuracy", "ece", "mpc"], ...] = ("accuracy", "ece", "mpc")
"""What the three recommended networks are compared with their controls in, in the order of the report's answers."""
Primary = Annotated[tuple[Literal["accuracy", "ece", "mpc"], ...], AfterValidator(_some), BeforeValidator(_listed)]
Limits = Annotated[
    tuple[Annotated[str, AfterValidator(_limit_text)], ...], AfterValidator(_no_repeats), BeforeValidator(_listed)
]
