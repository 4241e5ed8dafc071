"""Methods compared at equal cost: a ratio means something else for each method, nonzero parameters mean the same for all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dashboards.points import REFERENCES, Points

SHARES = (0.5, 0.25, 0.125, 0.0625)
"""Of the unpruned network's parameters."""
METRICS = ("accuracy", "ece", "mpc")


@dataclass(frozen=True)
class EqualCost:
    """One method on one network at one share of the parameters; metrics are interpolated between its candidates."""

    network: str
    method: str
    share: float
    measured: dict[str, float]


def equal_cost(points: Points) -> list[EqualCost]:
    """Return the methods at equal shares of nonzero parameters, at the longest budget.

    Interpolated linearly in the logarithm of the share between neighbouring candidates of one arm; never extrapolated.
    """
    table = points.complete[points.complete["budget"].eq(points.longest)]
    found = []
    for network, rows in table.groupby("network", sort=True):
        pruned = rows[~rows["method"].isin(REFERENCES)]
        for share in SHARES:
            for _, own in pruned.groupby("arm", sort=True):
                if (values := _at(own, share)) is not None:
                    found.append(EqualCost(str(network), str(own["method"].iloc[0]), share, values))
    return found


def _at(own: pd.DataFrame, share: float) -> dict[str, float] | None:
    known = own.dropna(subset=["compression", "accuracy"]).sort_values("compression")
    cost = np.log(known["compression"].to_numpy(dtype=float))
    wanted = -np.log(share)
    if len(known) < 2 or not cost[0] <= wanted <= cost[-1]:
        return None
    return {name: float(np.interp(wanted, cost, known[name].to_numpy(dtype=float))) for name in METRICS}
