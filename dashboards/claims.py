"""The one rule by which the report claims a difference: paired by seed, a t interval, Holm's correction, five seeds or more.

The seed is the unit: what one seed measured on several networks or ratios is averaged before anything is tested, so that
many candidates of few seeds never pass for many observations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from dashboards import labels

Array = NDArray[np.float64]
DECIDABLE = 5
"""Seeds from which on a difference is called one."""
LEVEL = 0.05
"""How often, at most, anything is claimed among claims that belong together and none of which is true."""


@dataclass(frozen=True)
class Paired:
    """A mean difference over seeds.

    Attributes:
        mean: the mean.
        error: its standard error; NaN for one seed.
        seeds: how many there are.
    """

    mean: float
    error: float
    seeds: int

    @property
    def half(self) -> float:
        """Half the width of the 95 % t interval; NaN for one seed."""
        return float(stdtrit(self.seeds - 1, 0.975) * self.error) if self.seeds > 1 else float("nan")

    @property
    def low(self) -> float:
        """The lower end of the 95 % t interval."""
        return self.mean - self.half

    @property
    def high(self) -> float:
        """The upper end of the 95 % t interval."""
        return self.mean + self.half

    def chance(self, at: float = 0.0) -> float:
        """Return the two-sided p-value of a true difference of ``at``; 1 where the seeds cannot say."""
        if not self.seeds > 1 or np.isnan(self.error):
            return 1.0
        if self.error == 0:
            return 1.0 if self.mean == at else 0.0
        return float(2 * stdtr(self.seeds - 1, -abs((self.mean - at) / self.error)))

    def words(self, column: str) -> tuple[str, str]:
        """Return the mean, and "[low, high]" ("" for one seed), in the column's unit."""
        shown = labels.number(self.mean, f"delta_{column}", sign=True)
        if np.isnan(self.half):
            return shown, ""
        scale, digits = (100.0, 1) if labels.is_share(column) else (1.0, 4)
        return shown, f"[{scale * self.low:+.{digits}f}, {scale * self.high:+.{digits}f}]"


def paired(values: Iterable[float]) -> Paired | None:
    """Return the mean difference of one value per seed, NaN left out; None where nothing is left."""
    known = np.array([value for value in values if np.isfinite(value)], dtype=float)
    if not len(known):
        return None
    error = float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else float("nan")
    # Equal numbers leave a rest of rounding, which must not make a sure difference of it.
    return Paired(float(known.mean()), 0.0 if error < 1e-12 else error, len(known))


def claims(found: Sequence[Paired | None], at: Sequence[float] | None = None) -> list[bool]:
    """Return which differences are claimed among those that belong together, by Holm's procedure at `LEVEL`.

    Args:
        found: the differences; None and those of fewer than `DECIDABLE` seeds are never claimed, but count.
        at: what each is compared with; 0 unless given.
    """
    against = at if at is not None else [0.0] * len(found)
    chances = np.array([
        1.0 if one is None or one.seeds < DECIDABLE else one.chance(value) for one, value in zip(found, against, strict=True)
    ])  # fmt: skip
    result = [False] * len(found)
    for place, index in enumerate(np.argsort(chances, kind="stable")):
        if chances[index] > LEVEL / (len(found) - place):
            break
        result[index] = True
    return result


def verdict(one: Paired, claimed: bool, direction: str) -> str:
    """Return "better", "worse", "not told apart", or "not decidable" where the seeds are too few."""
    if one.seeds < DECIDABLE:
        return "not decidable"
    if not claimed:
        return "not told apart"
    return "better" if (one.mean > 0) == (direction == "max") else "worse"
