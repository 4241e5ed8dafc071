"""What a candidate measured, over its seeds and by each of them."""

from __future__ import annotations

from collections.abc import Mapping


class Measured(dict[str, float]):
    """Means over the seeds, with what each seed measured.

    Attributes:
        seeds: by column, one value per seed, in the order of the study's seeds.
    """

    def __init__(self, means: Mapping[str, float], seeds: Mapping[str, tuple[float, ...]]) -> None:
        super().__init__(means)
        self.seeds = dict(seeds)
