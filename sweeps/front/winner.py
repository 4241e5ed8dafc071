"""What the chosen candidate is worth: intervals that know it was chosen for its numbers, in part for their luck.

The candidate with the best selection number is likelier one whose seeds were lucky; the report number shares the luck of
the seeds, so it is too good and its usual interval covers the truth too seldom. Given who was chosen, and by how much, the
report number has a truncated distribution, and an interval from that one covers as often as it says, whatever the truth is
(Fithian, Sun and Taylor 2014). It is endless where the runner-up is close. The hybrid of Andrews, Kitagawa and McCloskey
(2024, Inference on Winners, Quarterly J. of Economics 139:305) never leaves the interval that holds for all candidates at
once, for a tenth of the level. With variances from few seeds, t distributions stand in for the normal ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from sweeps.front.claim_levels import LEVEL
from sweeps.front.crossed import Crossed, crossed, lattice_step

Array = NDArray[np.float64]
_FOR_ALL, _FOR_ALL_OF_FEW = 0.1, 4.0
"""Of the level, what is spent on the interval that holds for all candidates at once (Andrews et al., section 5), and that
times the square of the degrees of freedom where they are few: the far tails of t make that interval wide (by simulation)."""
_HALVINGS = 40
_NEAR = 1e-8
"""How near an end of an interval is found, in standard errors, or as a share of it: the tails of two seeds are endless."""


@dataclass(frozen=True)
class Winner:
    """A number of the candidate that was chosen.

    Attributes:
        mean: as it was observed.
        error: its standard error, seeds and images.
        freedom: degrees of freedom of ``error``.
        floor: where the number would have had to be, in standard errors below ``mean`` and so at most 0, for another one to
            be chosen instead; minus infinity where luck had no part in it.
        ceiling: the same from above, where a large number speaks against being chosen; at least 0.
        among: how many could have been chosen.
    """

    mean: float
    error: float
    freedom: float
    floor: float
    ceiling: float
    among: int

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Return the hybrid interval of the true number at a level; both ends the observed one where nothing scatters."""
        if not self.error > 0:
            return self.mean, self.mean
        spent = self._spent(level)
        rest = (level - spent) / (1.0 - spent)
        return self._where(1.0 - rest / 2, spent), self._where(rest / 2, spent)

    def middle(self) -> float:
        """Return the estimate that is too high as often as too low, given that this one was chosen."""
        if not self.error > 0:
            return self.mean
        return self._where(0.5, self._spent(LEVEL))

    def chance(self, at: float = 0.0) -> float:
        """Return the p-value of a true number of ``at``: the level at which the interval just reaches it, 1e-12 at least."""
        if not self.error > 0:
            return 1.0 if self.mean == at else 0.0
        away = (self.mean - at) / self.error
        low, high = np.log(1e-12), 0.0
        for _ in range(_HALVINGS):
            half = (low + high) / 2
            low, high = (half, high) if self._holds(away, float(np.exp(half))) else (low, half)
        return float(np.exp(high))

    def _holds(self, away: float, level: float) -> bool:
        """Return whether the interval at a level holds the number that the observed one is ``away`` from."""
        spent = self._spent(level)
        bound = self._bound(spent)
        rest = (level - spent) / (1.0 - spent)
        return abs(away) <= bound and rest / 2 <= self._quantile(away, bound) <= 1.0 - rest / 2

    def _bound(self, spent: float) -> float:
        """Return how far no candidate is from its true number, in standard errors, but for the level that is spent."""
        return -float(stdtrit(self.freedom, spent / 2 / self.among)) if spent else np.inf

    def _spent(self, level: float) -> float:
        """Return what of a level goes to the interval that holds for all; nothing where luck had no part in the choice.

        Where one alone could be chosen, luck may still have had a part: that it meets what was demanded.
        """
        if not (np.isfinite(self.floor) or np.isfinite(self.ceiling)):
            return 0.0
        return level * min(max(_FOR_ALL, _FOR_ALL_OF_FEW / self.freedom**2), 0.5)

    def _where(self, share: float, spent: float) -> float:
        """Return the true number at which the observed one is at this quantile of its distribution."""
        bound = self._bound(spent)
        far = bound if np.isfinite(bound) else -float(stdtrit(self.freedom, 1e-14))
        low, high = -far, far  # of (observed - true) / error
        while high - low > _NEAR * max(1.0, -low, high):
            half = (low + high) / 2
            low, high = (half, high) if self._quantile(half, bound) < share else (low, half)
        return self.mean - (low + high) / 2 * self.error

    def _quantile(self, away: float, bound: float) -> float:
        """Return the share of the truncated distribution below the observed number, which is ``away`` from the true one."""
        start, end = max(away + self.floor, -bound), min(away + self.ceiling, bound)
        if start > 0:  # from the far side: differences of numbers next to 1 lose their digits
            start, away, end = -end, -away, -start
            below, above, all_ = stdtr(self.freedom, (start, away, end)).tolist()
            return float((all_ - above) / (all_ - below)) if all_ > below else 1.0
        below, above, all_ = stdtr(self.freedom, (start, away, end)).tolist()
        return float((above - below) / (all_ - below)) if all_ > below else 0.0


def winner(
    values: Array,
    selection: Array | None,
    at: int,
    *,
    networks: NDArray[np.str_] | None = None,
    noise: Array | None = None,
    same_images: bool = False,
    demands: Sequence[tuple[Array, float, bool]] = (),
    family: Crossed | None = None,
) -> Winner:
    """Describe a number of the candidate that was chosen among C by the mean of its selection numbers.

    Args:
        values: ``(C, S)`` the number per seed, of all that could have been chosen; NaN where a seed is missing.
        selection: ``(C, S)`` what decided, turned so that the largest mean is chosen; None where no luck was in it.
        at: who was chosen.
        networks: ``(C,)`` whose seeds' luck is common to which candidates; None for one network.
        noise: ``(C, S, R)`` what resampled base images do to ``values``; None where that is not known.
        same_images: whether ``selection`` is the same metric on the same images as ``values``.
        demands: further numbers ``(C, S)`` that had to have a mean of so much at least, and ``same_images`` for each.
        family: ``crossed(values, noise)`` where it is at hand.

    Raises:
        ValueError: the chosen one has no value.
    """
    found = crossed(values, noise) if family is None else family
    if not found.seeds[at]:
        raise ValueError("the chosen candidate has no value")
    images = float(np.nan_to_num(found.images[at]))
    error = float(np.hypot(found.error[at], images)) if found.seeds[at] > 1 else float("nan")
    freedom = float(found.freedom[at]) * (error / float(found.error[at])) ** 4 if found.error[at] > 0 else 1e6
    lone = Winner(float(found.mean[at]), error, min(freedom, 1e6), -np.inf, np.inf, len(values))
    if not error > 0:
        return lone
    group = np.zeros(len(values), dtype=int) if networks is None else np.unique(networks, return_inverse=True)[1]
    slack: list[tuple[float, float]] = []
    if selection is not None:
        slack += _ranks(values, selection, at, group, images**2 if same_images else 0.0)
    for number, least, same in demands:
        slack += _demand(values, number, least, at, group, images**2 if same else 0.0)
    return _truncated(lone, slack)


def _ranks(values: Array, selection: Array, at: int, group: NDArray[np.int64], images: float) -> list[tuple[float, float]]:
    """Return by how much the chosen one was ahead of each other candidate, and the covariances of that with the number."""
    known = np.isfinite(values).all(axis=0) & np.isfinite(selection).all(axis=0)
    if known.sum() < 2:
        return []
    own, common = _together(selection[:, known], values[:, known], group, int(group[at]))
    means = selection[:, known].mean(axis=1)
    tie = _half_step(selection[:, known])
    # One network under two names, say: which of them is chosen is a matter of names, and luck has no part in it.
    apart = np.abs(selection[:, known] - selection[at, known]).max(axis=1)
    same = apart <= 1e-9 * np.abs(selection[at, known]).max()
    return [
        (max(float(means[at] - mean), 0.0) + tie, own + images + (common if group[other] != group[at] else 0.0))
        for other, mean in enumerate(means)
        if other != at and not same[other]
    ]


def _demand(
    values: Array, number: Array, least: float, at: int, group: NDArray[np.int64], images: float
) -> list[tuple[float, float]]:
    """Return by how much the chosen one met a demand, and the covariance of that with the number."""
    known = np.isfinite(values).all(axis=0) & np.isfinite(number).all(axis=0)
    if known.sum() < 2:
        return []
    own, common = _together(number[:, known], values[:, known], group, int(group[at]))
    ahead = max(float(number[at, known].mean()) - least, 0.0) + _half_step(number[:, known])
    return [(ahead, own + common + images)]


def _half_step(values: Array) -> float:
    """Return half a step of means over seeds: where numbers count images, a tie is no luck (correction for continuity)."""
    return lattice_step(values - values.min()) / int(values.shape[1]) / 2


def _truncated(lone: Winner, slack: Sequence[tuple[float, float]]) -> Winner:
    """Return where the number would have had to be for a condition of the choice to fail.

    Args:
        lone: the number without any condition.
        slack: by how much each condition holds, and its covariance with the number. What is independent of the number is
            held fixed, so the slack changes by ``covariance / error**2`` for each unit of the number.
    """
    below = [-one * lone.error / covariance for one, covariance in slack if covariance > 0]
    above = [-one * lone.error / covariance for one, covariance in slack if covariance < 0]
    return replace(lone, floor=max(below, default=-np.inf), ceiling=min(above, default=np.inf))


def _together(selection: Array, values: Array, group: NDArray[np.int64], mine: int) -> tuple[float, float]:
    """Return the covariances of two means over seeds: of what is a candidate's own, and of what its network shares.

    Args:
        selection: ``(C, S)``, complete.
        values: ``(C, S)``, complete.
        group: ``(C,)`` numbers of networks.
        mine: the network whose common part is asked for.
    """
    seeds = values.shape[1]
    left, right = (one - one.mean(axis=1, keepdims=True) for one in (selection, values))
    sums = [
        (left[group == each].mean(axis=0), right[group == each].mean(axis=0), int((group == each).sum()))
        for each in range(group.max() + 1)
    ]
    free = (len(values) - len(sums)) * (seeds - 1)
    between = float(sum(count * (one @ two) for one, two, count in sums))
    if free == 0:  # nobody shares anything: all of it may be own
        return between / (len(values) * (seeds - 1)) / seeds, 0.0
    own = (float((left * right).sum()) - between) / free / seeds
    one, two, count = sums[mine]
    return own, float(one @ two) / (seeds - 1) / seeds - own / count
