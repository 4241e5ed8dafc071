"""Means of searches with intervals, and ratios between searchers, clustered by the trial seed that was told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Key = tuple[str, int]
"""(world, search seed)."""
Clusters = Sequence[Sequence[Key]]
"""Searches that were told the same numbers: one trial seed of one world each."""

DRAWS = 2000
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A number with its interval."""

    value: float
    low: float
    high: float

    def text(self, digits: int = 3) -> str:
        """Return ``0.912 (0.894 to 0.930)``."""
        return f"{self.value:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"


def clusters_of(told: Mapping[Key, int]) -> list[list[Key]]:
    """Return searches by what they were told: they share its errors."""
    found: dict[tuple[str, int], list[Key]] = {}
    for key in sorted(told):
        found.setdefault((key[0], told[key]), []).append(key)
    return list(found.values())


def bootstrap(clusters: Clusters, statistic: Callable[[Sequence[Key]], float], draws: int = DRAWS) -> Interval:
    """Return a statistic of searches with its percentile interval over draws of clusters and of searches within them.

    With two or three clusters such an interval is rough and rather too narrow; it is what the data can say.
    """
    random = np.random.default_rng(0)
    everything = [key for cluster in clusters for key in cluster]
    values: list[float] = []
    for _ in range(draws):
        some: list[Key] = []
        for place in random.integers(len(clusters), size=len(clusters)):
            cluster = clusters[int(place)]
            some += [cluster[int(at)] for at in random.integers(len(cluster), size=len(cluster))]
        values.append(statistic(some))
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.nanpercentile(values, [tail, 100 - tail])
    return Interval(statistic(everything), float(low), float(high))


def mean_of(values: Mapping[Key, float], clusters: Clusters) -> Interval:
    """Return the mean with its interval."""
    return bootstrap(clusters, lambda keys: float(np.mean([values[key] for key in keys])))


def ratio_of(ours: Mapping[Key, float], other: Mapping[Key, float], clusters: Clusters) -> Interval:
    """Return the ratio of two means over the same searches; NaN where the other's mean is 0."""

    def ratio(keys: Sequence[Key]) -> float:
        below = float(np.mean([other[key] for key in keys]))
        return float(np.mean([ours[key] for key in keys])) / below if below > 0 else float("nan")

    return bootstrap(clusters, ratio)


def as_array(values: Mapping[Key, float]) -> NDArray[np.float64]:
    """Return the values in the order of their keys."""
    return np.array([values[key] for key in sorted(values)])
