"""The one rule by which the report claims a difference: paired by seed and image, a t interval, Holm, five seeds or more.

The seed is the unit: what one seed measured on several networks or ratios is averaged before anything is tested, so that
many candidates of few seeds never pass for many observations. All seeds are judged on the same base images; what that
choice of images adds beyond the scatter of the seeds widens the interval where the trials kept it
(`sweeps.front.image_noise`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr, stdtrit

from dashboards import labels
from sweeps.front.image_noise import main_effect

Array = NDArray[np.float64]
DECIDABLE = 5
"""Seeds from which on a difference is called one."""
LEVEL = 0.05
"""How often, at most, anything is claimed among claims that belong together and none of which is true."""

_LEAST = 1e-15
"""The smallest chance that is told from 0."""


@dataclass(frozen=True)
class Paired:
    """A mean difference over seeds.

    Attributes:
        mean: the mean.
        error: its standard error over the seeds; NaN for one seed.
        seeds: how many there are.
        images: the standard error that the choice of base images adds; None where it is not known.
    """

    mean: float
    error: float
    seeds: int
    images: float | None = None

    @property
    def half(self) -> float:
        """Half the width of the 95 % interval; NaN for one seed."""
        return self._half(LEVEL)

    def _half(self, level: float) -> float:
        """Half the width at a level: a t interval over seeds and a normal one over images, by the root of their squares.

        That is the method of variance estimates recovery (Zou and Donner 2008): never narrower than the seeds alone.
        """
        if not self.seeds > 1:
            return float("nan")
        over_seeds = -float(stdtrit(self.seeds - 1, level / 2)) * self.error
        return math.hypot(over_seeds, float(ndtri(level / 2)) * (self.images or 0.0))

    @property
    def low(self) -> float:
        """The lower end of the 95 % interval."""
        return self.mean - self.half

    @property
    def high(self) -> float:
        """The upper end of the 95 % interval."""
        return self.mean + self.half

    def chance(self, at: float = 0.0) -> float:
        """Return the two-sided p-value of a true difference of ``at``; 1 where the seeds cannot say."""
        if not self.seeds > 1 or np.isnan(self.error):
            return 1.0
        away = abs(self.mean - at)
        if self._half(_LEAST) == 0:
            return 1.0 if away == 0 else 0.0
        if not self.images:
            return float(2 * stdtr(self.seeds - 1, -away / self.error))
        low, high = math.log(_LEAST), 0.0  # the level at which the interval just reaches it, by bisection
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if self._half(math.exp(middle)) > away else (low, middle)
        return math.exp(high)

    def words(self, column: str) -> tuple[str, str]:
        """Return the mean, and "[low, high]" ("" for one seed), in the column's unit."""
        shown = labels.number(self.mean, f"delta_{column}", sign=True)
        if np.isnan(self.half):
            return shown, ""
        scale, digits = (100.0, 1) if labels.is_share(column) else (1.0, 4)
        digits = digits if (own := labels.digits(column)) is None else own
        return shown, f"[{scale * self.low:+.{digits}f}, {scale * self.high:+.{digits}f}]"


def paired(values: Iterable[float], noise: Array | None = None) -> Paired | None:
    """Return the mean difference of one value per seed, NaN left out; None where nothing is left.

    Args:
        values: one per seed.
        noise: ``(S, R)``: how far each would be off on R resampled sets of base images; None, or NaN in a seed that counts,
            where that is not known.
    """
    given = np.array(list(values), dtype=float)
    counts = np.isfinite(given)
    known = given[counts]
    if not len(known):
        return None
    error = float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else float("nan")
    # Equal numbers leave a rest of rounding, which must not make a sure difference of it.
    error = 0.0 if error < 1e-12 else error
    images = None
    if noise is not None and np.isfinite(noise[counts]).all():
        images = math.sqrt(float(main_effect(noise[counts])))
    return Paired(float(known.mean()), error, len(known), images)


def claims(found: Sequence[Paired | None], at: Sequence[float] | None = None) -> list[bool]:
    """Return which differences are claimed among those that belong together, by Holm's procedure at `LEVEL`.

    Args:
        found: the differences; None and those of fewer than `DECIDABLE` seeds are never claimed, but count.
        at: what each is compared with; 0 unless given.
    """
    against = at if at is not None else [0.0] * len(found)
    chances = np.array(
        [
            1.0 if one is None or one.seeds < DECIDABLE else one.chance(value)
            for one, value in zip(found, against, strict=True)
        ]
    )
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
