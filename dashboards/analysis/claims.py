"""The one rule by which the report claims a difference: paired by seed and image, a t interval, Holm, five seeds or more.

The seed is the unit: what one seed measured on several networks or ratios is averaged before anything is tested, so that
many candidates of few seeds never pass for many observations. All seeds are judged on the same base images; what that
choice of images adds beyond the scatter of the seeds widens the interval where the trials kept it
(`sweeps.front.crossed`).

A report claims many things in several places. The chance that any of them is false is kept at `LEVEL` for the whole report:
each place may spend its share (`SHARES`), and within a place Holm's procedure divides it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr, stdtrit

from dashboards import labels
from sweeps.front.claim_levels import DECIDABLE, LEVEL, Place, level_of
from sweeps.front.crossed import Crossed, crossed
from sweeps.front.power import POWER, smallest_difference
from sweeps.front.winner import Winner

Array = NDArray[np.float64]
_LEAST = 1e-15
"""The smallest chance that is told from 0."""
_HALVINGS = 40


@dataclass(frozen=True)
class Paired:
    """A mean difference over seeds.

    Attributes:
        mean: the mean.
        error: its standard error over the seeds, floors included; NaN for one seed.
        seeds: how many there are.
        images: the standard error that the choice of base images adds; None where it is not known.
        freedom: degrees of freedom of ``error``; None for one less than the seeds.
    """

    mean: float
    error: float
    seeds: int
    images: float | None = None
    freedom: float | None = None

    @property
    def half(self) -> float:
        """Half the width of the 95 % interval; NaN for one seed."""
        return float(_halves(_columns([self]), np.array([LEVEL]))[0])

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
        return float(_chances([self], [at])[0])

    def words(self, column: str) -> tuple[str, str]:
        """Return the mean difference, and "[low, high]" ("" for one seed), in the column's unit."""
        shown = labels.number(self.mean, f"delta_{column}", sign=True)
        return shown, interval_words(self, column, sign="+")


def level_words(one: Paired, column: str) -> tuple[str, str]:
    """Return a number as it is, or a difference where the column is one, and its 95 % interval."""
    if column.startswith("delta_"):
        return one.words(column.removeprefix("delta_").removeprefix("val_"))
    return labels.number(one.mean, column), interval_words(one, column)


def interval_words(one: Paired, column: str, *, sign: str = "") -> str:
    """Return ``[low, high]`` in the column's unit, "" for one seed; ``sign`` "+" shows that of positive ends."""
    if np.isnan(one.low):
        return ""
    scale, digits = (100.0, 1) if labels.is_share(column) else (1.0, 4)
    digits = digits if (own := labels.digits(column)) is None else own
    return f"[{scale * one.low:{sign}.{digits}f}, {scale * one.high:{sign}.{digits}f}]"


@dataclass(frozen=True)
class Chosen(Paired):
    """The difference of a candidate that was chosen for its numbers: its interval and p-value know that.

    Attributes:
        choice: how it was chosen, and by how much.
    """

    choice: Winner | None = None

    @cached_property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval; the observed mean need not be in its middle."""
        return (float("nan"), float("nan")) if self.choice is None or self.seeds < 2 else self.choice.interval()

    @property
    def low(self) -> float:
        """The lower end of the 95 % interval."""
        return self.interval[0]

    @property
    def high(self) -> float:
        """The upper end of the 95 % interval."""
        return self.interval[1]

    @property
    def half(self) -> float:
        """Half the width of the 95 % interval; NaN for one seed."""
        return (self.high - self.low) / 2

    def chance(self, at: float = 0.0) -> float:
        """Return the two-sided p-value of a true difference of ``at``; 1 where the seeds cannot say."""
        return 1.0 if self.choice is None or self.seeds < 2 else self.choice.chance(at)


def paired_family(values: Array, noise: Array | None = None) -> list[Paired | None]:
    """Return the mean differences of comparisons that were made alike, each with an error that borrows from the others.

    Args:
        values: ``(G, S)`` one difference per seed, NaN where a seed is missing.
        noise: ``(G, S, R)``: how far each would be off on R resampled sets of base images; None, or NaN at a value that
            counts, where that is not known.

    Returns:
        One per comparison; None where it has no value.
    """
    found = crossed(values, noise)
    return [measured(found, row) for row in range(len(values))]


def measured(found: Crossed, row: int) -> Paired | None:
    """Return one comparison of a family; None where it has no value."""
    if not found.seeds[row]:
        return None
    images = None if np.isnan(found.images[row]) else float(found.images[row])
    return Paired(float(found.mean[row]), float(found.error[row]), int(found.seeds[row]), images, float(found.freedom[row]))


def paired(values: Iterable[float], noise: Array | None = None) -> Paired | None:
    """Return the mean difference of one value per seed, NaN left out; None where nothing is left.

    Args:
        values: one per seed.
        noise: ``(S, R)``, as in `paired_family`.
    """
    return paired_family(np.array([list(values)], dtype=float), None if noise is None else noise[None])[0]


def claims(
    found: Sequence[Paired | None], at: Sequence[float] | None = None, *, place: Place | None = None, among: float = 1.0
) -> list[bool]:
    """Return which differences are claimed among those that belong together, by Holm's procedure.

    Args:
        found: the differences; None and those of fewer than `DECIDABLE` seeds are never claimed, but count.
        at: what each is compared with; 0 unless given.
        place: where in the report they stand, which says their level; None for a question asked alone, at `LEVEL`.
        among: how many such families there could have been, where this one was chosen by its values.
    """
    chances = np.ones(len(found))
    against = at if at is not None else [0.0] * len(found)
    decidable = {number: one for number, one in enumerate(found) if one is not None and one.seeds >= DECIDABLE}
    chances[list(decidable)] = _chances(list(decidable.values()), [against[number] for number in decidable])
    result = [False] * len(found)
    for position, index in enumerate(np.argsort(chances, kind="stable")):
        if chances[index] > level_of(place) / among / (len(found) - position):
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


def would_find(one: Paired, column: str, candidates: int) -> str:
    """Return what the fewest seeds that decide would find, "" where this one's seeds say nothing of it; begins with ";"."""
    size = smallest_difference(DECIDABLE, candidates, one.error * math.sqrt(one.seeds), one.images or 0.0)
    if not size > 0:
        return ""
    shown = labels.number(size, f"delta_{column}", sign=True).lstrip("+")
    return f"; {DECIDABLE} would find a difference of {shown} in {100 * POWER:.0f} % of studies"


def _columns(found: Sequence[Paired]) -> tuple[Array, Array, Array]:
    """Return errors, degrees of freedom and errors by images, 0 where they are not known."""
    free = [one.seeds - 1 if one.freedom is None else one.freedom for one in found]
    return (
        np.array([one.error if one.seeds > 1 else np.nan for one in found]),
        np.maximum(np.array(free, dtype=float), 1.0),
        np.array([one.images or 0.0 for one in found]),
    )


def _halves(columns: tuple[Array, Array, Array], level: Array) -> Array:
    """Half the widths at a level each: a t interval over seeds and a normal one over images, by the root of their squares.

    That is the method of variance estimates recovery (Zou and Donner 2008): never narrower than the seeds alone.
    """
    error, freedom, images = columns
    return np.asarray(np.hypot(stdtrit(freedom, level / 2) * error, ndtri(level / 2) * images))


def _chances(found: Sequence[Paired], at: Sequence[float]) -> Array:
    """Return the two-sided p-values: the levels at which the intervals just reach what they are compared with."""
    columns = _columns(found)
    error, freedom, images = columns
    away = np.abs(np.array([one.mean for one in found]) - np.array(at))
    with np.errstate(divide="ignore", invalid="ignore"):
        chance = 2 * stdtr(freedom, -away / error)
    chance[(error == 0) & (away == 0)] = 1.0
    chance[np.isnan(error) | np.isnan(chance)] = 1.0
    mixed = np.flatnonzero((images > 0) & ~np.isnan(error))
    if len(mixed):
        own, goal = tuple(column[mixed] for column in columns), away[mixed]
        low, high = np.full(len(mixed), math.log(_LEAST)), np.zeros(len(mixed))
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            wide = _halves((own[0], own[1], own[2]), np.exp(middle)) > goal
            low, high = np.where(wide, middle, low), np.where(wide, high, middle)
        chance[mixed] = np.exp(high)
    return np.array(
        [one.chance(at[row]) if isinstance(one, Chosen) else float(chance[row]) for row, one in enumerate(found)]
    )
