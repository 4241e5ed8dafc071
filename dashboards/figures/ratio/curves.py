"""The curves of the figures by pruning ratio: one per method, network, arm and budget."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from dashboards.analysis.points import Points, rows_of
from dashboards.analysis.ratio_panels import RatioFigure, ratio_figures
from prune_core.base.kinds import DENSE, REFERENCES, SCRATCH

UNDRAWN = (DENSE, SCRATCH)
"""Methods that have no line by ratio: other networks, and networks that were not fine-tuned."""


@dataclass(frozen=True)
class Curve:
    """One method on one network at one budget: rows by ratio, from the control at ratio 0 on where there is one."""

    network: str
    method: str
    arm: str
    budget: int
    rows: pd.DataFrame

    @property
    def own_base(self) -> bool:
        """Whether the arm has a name of its own: a second baseline of the network (slimming's), or a labelled arm."""
        return self.arm not in (self.network, f"{self.network}-{self.method}")

    def measured(self, name: str) -> pd.DataFrame:
        """Return the rows that have a number in a column: their ratio, their place, and the column with its spread."""
        return self.rows[["ratio", "place", name, f"{name}_std"]].dropna(subset=[name])


def curves(points: Points) -> list[Curve]:
    """Return the curves of a study; references (baseline, control, dense ladder) are single points."""
    columns = [name for which in ratio_figures() for name in which.columns]
    table = points.complete[
        ["arm", "network", "method", "ratio", "budget", "place", *columns, *(f"{name}_std" for name in columns)]
    ]
    found = []
    for _, rows in table.sort_values("ratio").groupby(["network", "method", "budget", "arm"], sort=True):
        first = rows_of(rows)[0]
        found.append(Curve(first.network, first.method, first.arm, int(first.budget), rows))
    return found


def networks_of(points: Points) -> list[str]:
    """Return the networks that have a pruned candidate: the rows of the figures."""
    table = points.complete
    return sorted(table.loc[~table["method"].isin(REFERENCES), "network"].unique())


def panels(chosen: list[Curve], which: RatioFigure) -> list[str]:
    """Return the columns of a figure that have numbers: one panel each."""
    return [name for name in which.columns if any(curve.rows[name].notna().any() for curve in chosen)]


def arm_offsets(chosen: list[Curve]) -> dict[str, float]:
    """Return how far each arm's points stand beside their ratio, so that the bars of two methods do not hide each other."""
    arms = sorted({curve.arm for curve in chosen if curve.method not in REFERENCES})
    step = min(0.012, 0.05 / max(1, len(arms) - 1))
    return {arm: round(step * (place - (len(arms) - 1) / 2), 4) for place, arm in enumerate(arms)}
