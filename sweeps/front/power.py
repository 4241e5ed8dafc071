"""The smallest difference that a study can find: known before the hours are spent, from the noise of studies that are there.

A comparison is claimed where a t test at its level allows it. With a true difference its statistic is noncentral t (Cohen
1988, Statistical Power Analysis, chapter 2), of which the difference is solved that is found with a stated power.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from prune_core.base.kinds import REFERENCES
from sweeps.front.claim_levels import DECIDABLE, level_of
from sweeps.front.collapse import COLLAPSED
from sweeps.front.seeds import CANDIDATE
from sweeps.study.values import PRIMARY_METRICS

if TYPE_CHECKING:
    import pandas as pd

POWER = 0.8
"""How often a difference of the stated size is found."""
SEED_DEVIATION = {"accuracy": 0.004, "ece": 0.003, "nll": 0.015, "mpc": 0.008}
"""What is assumed of the difference to the control where no study says: its standard deviation over seeds, of a network near
the margin on 10,000 images or more (`docs/report.md`)."""


_CHOSEN = 1.15
"""By how much a difference must be larger where its network was chosen, and where larger scatter of its own counts (by
simulation: the power is then `POWER` at least in normal noise, and next to it in skewed noise)."""


def detectable(seeds: int, level: float, *, freedom: float | None = None, power: float = POWER) -> float:
    """Return the smallest difference that one paired comparison finds, in standard deviations over seeds.

    Args:
        seeds: how many pairs.
        level: of the two-sided test.
        freedom: degrees of freedom of the standard error; one less than the seeds unless given.
        power: how often it is to be found.

    Returns:
        Infinity for fewer than two seeds.
    """
    from scipy.special import nctdtr, stdtrit  # 0.13 s of CPU, where it is asked

    free = float(seeds - 1 if freedom is None else freedom)
    if seeds < 2 or not free > 0:
        return math.inf
    critical = -float(stdtrit(free, level / 2))
    low, high = 0.0, 4.0 * critical + 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if 1.0 - float(nctdtr(free, middle, critical)) >= power else (middle, high)
    return high / math.sqrt(seeds)


def family_freedom(seeds: int, candidates: int) -> float:
    """Return the degrees of freedom of a comparison that borrows from others with the same control.

    Half of a difference's variance is the control's, which all share, half the candidate's own: as
    `sweeps.front.crossed` combines them (Satterthwaite 1946).
    """
    free, many = float(max(seeds - 1, 1)), float(max(candidates, 1))
    if many == 1:
        return free
    common, own = 0.5 + 0.5 / many, 0.5 - 0.5 / many
    return 1.0 / (common**2 / free + own**2 / ((many - 1) * free))


def smallest_difference(
    seeds: int, candidates: int, deviation: float, images: float = 0.0, *, primary: int = len(PRIMARY_METRICS)
) -> float:
    """Return the smallest difference of a recommended network to its control that a study claims with power `POWER`.

    Args:
        seeds: of the study.
        candidates: pruned networks that can be recommended.
        deviation: standard deviation of the difference over seeds.
        images: standard error that the choice of base images adds, which no seed takes away.
        primary: how many such comparisons the study names.

    Returns:
        Infinity where the seeds are fewer than `DECIDABLE`: nothing is claimed then.
    """
    if seeds < DECIDABLE:
        return math.inf
    found = detectable(seeds, level_of("primary") / primary, freedom=family_freedom(seeds, candidates))
    return _CHOSEN * found * math.hypot(deviation, images * math.sqrt(seeds))


def seed_deviations(records: pd.DataFrame, metrics: Sequence[str]) -> dict[str, float]:
    """Return the typical standard deviation over seeds of the difference to the control, by metric; those that are known.

    The root of the median variance over the candidates of the longest budget, of those that have not collapsed where there
    are some: only they can be recommended.

    Args:
        records: the table of records (any status), or any other, of which nothing is known.
        metrics: names; their differences are the columns ``delta_*``.
    """
    if not {*CANDIDATE, "status"} <= set(records) or not len(records):
        return {}
    table = records[records["status"].eq("complete") & ~records["method"].isin(REFERENCES)]
    table = table[table["budget"].eq(table["budget"].max())]
    if "delta_accuracy" in table:
        kept = table.groupby(CANDIDATE)["delta_accuracy"].transform("mean") >= -COLLAPSED
        table = table[kept] if kept.any() else table
    found = {}
    for name in (name for name in metrics if f"delta_{name}" in table):
        groups = table.groupby(CANDIDATE)[f"delta_{name}"]
        variance, free = groups.var(ddof=1).to_numpy(dtype=float), groups.count().to_numpy(dtype=float) - 1
        sure = np.isfinite(variance) & (free > 0)
        # The median of a chi-square variable with d degrees of freedom is close to d (1 - 2/(9 d))^3.
        unbiased = variance[sure] / (1.0 - 2.0 / (9.0 * free[sure])) ** 3
        if len(unbiased) and float(np.median(unbiased)) > 0:
            found[name] = math.sqrt(float(np.median(unbiased)))
    return found
