"""Methods compared at equal cost: a ratio means something else for each method, nonzero parameters mean the same for all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dashboards.analysis.claims import Array
from dashboards.analysis.columns import headline_columns
from dashboards.analysis.points import Points
from dashboards.reading.study_folder import StudyFolder
from prune_core.base.kinds import REFERENCES
from sweeps.front.seeds import seed_values

SHARES = (0.5, 0.25, 0.125, 0.0625)
"""Of the unpruned network's parameters."""


@dataclass(frozen=True)
class EqualCost:
    """One method on one network at one share of the parameters: mean and sample deviation of what seeds interpolate to."""

    network: str
    method: str
    share: float
    measured: dict[str, float]
    deviation: dict[str, float]


def equal_cost(study: StudyFolder, points: Points) -> list[EqualCost]:
    """Return the methods at equal shares of nonzero parameters, at the longest budget: mean and deviation over seeds.

    Interpolated, for each seed, linearly in the logarithm of the share between neighbouring candidates of one arm; never
    extrapolated: an arm is missing where one of its seeds does not reach a share.
    """
    table = points.complete[points.complete["budget"].eq(points.longest)]
    found, names = [], headline_columns()
    for network, rows in table.groupby("network", sort=True):
        pruned = rows[~rows["method"].isin(REFERENCES)]
        arms = [(str(own["method"].iloc[0]), _by_seed(study, own)) for _, own in pruned.groupby("arm", sort=True)]
        for share in SHARES:
            for method, known in arms:
                if (values := _at(known, share)) is not None:
                    means = dict(zip(names, values.mean(axis=0).tolist(), strict=True))
                    spread = values.std(axis=0, ddof=1).tolist() if len(values) > 1 else [float("nan")] * len(names)
                    deviations = dict(zip(names, spread, strict=True))
                    found.append(EqualCost(str(network), method, share, means, deviations))
    return found


def _by_seed(study: StudyFolder, own: pd.DataFrame) -> Array:
    """Return compression and metrics of an arm's candidates by seed, ``(C, S, 1 + M)``."""
    return seed_values(study.records[study.of_own_seeds], own, ["compression", *headline_columns()])[0]


def _at(values: Array, share: float) -> Array | None:
    """Return the interpolated metrics of each seed, ``(S, M)``; None where a seed does not reach the share."""
    wanted, found = -np.log(share), []
    for seed in range(values.shape[1]):
        known = values[np.isfinite(values[:, seed, :2]).all(axis=1), seed]
        if np.isnan(values[:, seed]).all():
            continue  # not a seed of this arm
        known = known[np.argsort(known[:, 0], kind="stable")]
        cost = np.log(known[:, 0])
        if len(known) < 2 or not cost[0] <= wanted <= cost[-1]:
            return None
        found.append([float(np.interp(wanted, cost, known[:, 1 + place])) for place in range(len(headline_columns()))])
    return np.array(found) if found else None
