"""Does a candidate meet the study's limits, and if not, why not; and do its report numbers agree with what decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prune_core.metrics.numbers import plain_number
from sweeps.study.deciding import deciding_column
from sweeps.study.values import Limit

if TYPE_CHECKING:
    import pandas as pd

MET, MISSED, NOT_ON_REPORT = "met", "missed", "met, not by report numbers"
"""What is said of a candidate and a study's limits. The last: the numbers that select meet them, those that are published do
not; other images, and other corruptions, as `sweeps.study.images` says of each column."""


@dataclass(frozen=True)
class Verdict:
    """One limit and one candidate.

    Attributes:
        limit: the demand.
        column: the column that decides about it.
        measured: its value; None where it was not measured.
        report_column: the same metric on the report images; None where the column that decides is one of them, or a cost.
        report_measured: its value; None where it was not measured.
    """

    limit: Limit
    column: str
    measured: float | None
    report_column: str | None = None
    report_measured: float | None = None

    @property
    def met(self) -> bool:
        """Whether the number that decides meets the limit."""
        return self.measured is not None and self.limit.holds(self.measured)

    @property
    def contradicted(self) -> bool:
        """Whether the report number misses what the number that decides meets."""
        return self.met and self.report_measured is not None and not self.limit.holds(self.report_measured)

    @property
    def missing(self) -> float:
        """By how much of the bound the limit is missed: 0 where it is met, infinite where nothing was measured."""
        if self.met:
            return 0.0
        if self.measured is None:
            return float("inf")
        return self.limit.excess(self.measured) / (abs(self.limit.value) or 1.0)

    @property
    def why_not(self) -> str:
        """Why the limit is missed, in words."""
        if self.measured is None:
            return f"{self.column} was not measured (limit {self.limit})"
        return f"{self.column} is {number_beside(self.limit, self.measured, self.column)} (limit {self.limit})"

    @property
    def report_words(self) -> str:
        """What the report number says about the limit, in words."""
        shown = "-" if self.report_measured is None else number_beside(self.limit, self.report_measured, self.column)
        return f"{self.report_column} is {shown} (limit {self.limit.comparison} {self.limit.value:.12g})"


def number_beside(limit: Limit, value: float, column: str) -> str:
    """Return a value with as many digits as it takes to see on which side of the limit it lies."""
    for decimals in range(4, 12):
        shown = plain_number(value, column, decimals)
        if limit.holds(float(shown.removesuffix(" bytes").replace(",", ""))) == limit.holds(value):
            return shown.rstrip("0").rstrip(".") if "." in shown else shown
    return f"{value:.17g}"


def verdicts(candidate: Mapping[str, Any], limits: Iterable[Limit], select_on: str = "validation") -> list[Verdict]:
    """Return what a candidate's numbers say about each limit.

    Args:
        candidate: column -> mean over the seeds, as a row of `sweeps.front.front.candidates`; or one record.
        limits: the study's demands.
        select_on: as the study says.
    """
    found = []
    for limit in limits:
        column = deciding_column(limit.column, candidate, select_on)
        report = column.removeprefix("val_") if column.startswith("val_") else None
        found.append(Verdict(limit, column, _number(candidate, column), report, _number(candidate, report)))
    return found


def unmet(candidate: Mapping[str, Any], limits: Iterable[Limit], select_on: str = "validation") -> list[str]:
    """Return why a candidate does not meet the limits; empty where it does. The arguments are those of `verdicts`."""
    return [one.why_not for one in verdicts(candidate, limits, select_on) if not one.met]


def contradicted(candidate: Mapping[str, Any], limits: Iterable[Limit], select_on: str = "validation") -> list[str]:
    """Return which limits a candidate meets by the numbers that decide and misses by its report numbers, in words."""
    return [one.report_words for one in verdicts(candidate, limits, select_on) if one.contradicted]


def verdict_word(found: Iterable[Verdict]) -> str:
    """Return `MET`, `MISSED` or `NOT_ON_REPORT` of a candidate's verdicts."""
    every = list(found)
    if not all(one.met for one in every):
        return MISSED
    return NOT_ON_REPORT if any(one.contradicted for one in every) else MET


def limit_names(limits: Iterable[Limit]) -> list[str]:
    """Return the columns that limits name, and the report number of each."""
    return list(dict.fromkeys(name for limit in limits for name in (limit.column, limit.column.removeprefix("val_"))))


def limit_columns(limits: Iterable[Limit], columns: pd.Index, select_on: str) -> list[str]:
    """Return the columns that `verdicts` reads, in the order of the limits: what decides, and its report number."""
    found: dict[str, None] = {}
    for limit in limits:
        column = deciding_column(limit.column, columns, select_on)
        found |= dict.fromkeys([column, column.removeprefix("val_")])
    return [column for column in found if column in columns]


def plain_row(row: pd.Series[Any]) -> dict[str, Any]:
    """Return a row of a table of candidates as `verdicts` takes it."""
    return {str(column): value for column, value in row.items()}


def _number(candidate: Mapping[str, Any], column: str | None) -> float | None:
    import pandas as pd  # 0.25 s of CPU, where there is a table

    value = None if column is None else candidate.get(column)
    return None if value is None or pd.isna(value) else float(value)
