"""What a candidate measured, over its seeds and by each of them, and what is told beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

REPORT = "report."
"""What the names of report numbers begin with, among the attributes of a row; they decide nothing."""


class Measured(dict[str, float]):
    """Means over the seeds, with what each seed measured.

    Attributes:
        seeds: by column, one value per seed, in the order of the study's seeds.
        report: means of report numbers, which decide nothing.
        span: when the first of its trials began and the last one came as far as its budget, in seconds since the epoch; None
            where the folders do not say it.
        along: by budget, what it measured on the way, where it walked: shorter budgets, and where it was stopped.
        stopped: it was stopped early, and these are the means there.
    """

    def __init__(
        self,
        means: Mapping[str, float],
        seeds: Mapping[str, tuple[float, ...]],
        report: Mapping[str, float] | None = None,
        span: tuple[float, float] | None = None,
    ) -> None:
        super().__init__(means)
        self.seeds = dict(seeds)
        self.report = dict(report or {})
        self.span = span
        self.along: dict[int, Measured] = {}
        self.stopped = False

    def by_seed(self, columns: Sequence[str]) -> list[list[float]]:
        """Return what each seed measured in some columns."""
        return [list(one) for one in zip(*(self.seeds[column] for column in columns), strict=True)]

    def report_attributes(self) -> dict[str, float]:
        """Return the report numbers as attributes of a row."""
        return {f"{REPORT}{name}": mean for name, mean in self.report.items()}

    def date(self, row: FrozenTrial) -> None:
        """Let a row that is not written yet begin, and end where it has ended, when the candidate did."""
        if self.span is not None:
            begun, ended = (datetime.fromtimestamp(moment) for moment in self.span)
            row.datetime_start = begun
            row.datetime_complete = ended if row.state.is_finished() else None
