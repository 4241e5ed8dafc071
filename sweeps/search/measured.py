"""What a candidate measured, over its seeds and by each of them, and what is told beside it."""

from __future__ import annotations

from collections.abc import Mapping


class Measured(dict[str, float]):
    """Means over the seeds, with what each seed measured.

    Attributes:
        seeds: by column, one value per seed, in the order of the study's seeds.
        report: means of report numbers, which decide nothing.
        span: when the first of its trials began and the last one came as far as its budget, in seconds since the epoch; None
            where the folders do not say it.
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
