"""What a study can find, said before its hours are spent: the smallest differences, and what one more seed buys."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from prune_core.base.kinds import PRUNED, REFERENCES
from sweeps.front.claim_levels import DECIDABLE
from sweeps.front.power import POWER, SEED_DEVIATION, smallest_difference
from sweeps.front.seeds import CANDIDATE
from sweeps.records.columns import cost_columns, seconds_columns

if TYPE_CHECKING:
    from sweeps.plan.plan import Plan


def power_lines(plan: Plan, out: Path) -> list[str]:
    """Return the lines of a plan about what it can find: none where no objective is a metric.

    Args:
        plan: of the study.
        out: the output folder; the records there, if any, say how much seeds scatter.
    """
    metrics = [name for name in plan.study.objectives if name not in (*cost_columns(), *seconds_columns())]
    measured = seed_deviations(out, metrics)
    noise = {name: SEED_DEVIATION.get(name, math.nan) for name in metrics} | measured
    known = {name: deviation for name, deviation in noise.items() if deviation > 0}
    if not known:
        return []
    seeds, many = len(plan.study.seeds), _candidates(plan)
    basis = f"{', '.join(measured)} as here" if measured else ""
    assumed = ", ".join(f"{name} {deviation:g}" for name, deviation in known.items() if name not in measured)
    basis += ("; " if basis and assumed else "") + (f"assumed: {assumed}" if assumed else "")

    asked = max(sum(name in metrics for name in plan.study.primary), 1)

    def size(of: int) -> str:
        found = {name: smallest_difference(of, many, each, primary=asked) for name, each in known.items()}
        return ", ".join(f"{name} {one:.2g}" for name, one in found.items())

    start = f"  finds      with {seeds} seed{'s' if seeds != 1 else ''} "
    enough = max(seeds, DECIDABLE - 1) + 1
    if seeds < DECIDABLE:
        first = f"no difference at all (a claim takes {DECIDABLE} seeds)"
    else:
        first = f"of a recommended network to its control {size(seeds)}"
    return [
        f"{start}{first}; with {enough} {size(enough)}",
        f"             in {POWER:.0%} of studies, among {many} candidates; deviation over seeds {basis}; images come on top",
    ]


def seed_deviations(out: Path, metrics: list[str]) -> dict[str, float]:
    """Return the typical standard deviation over seeds of the difference to the control, by metric, of the records there.

    The root of the median variance over the candidates of the longest budget, which collapsed ones hardly move.
    """
    try:
        table = pd.read_parquet(out / "records.parquet")
    except (OSError, ValueError):
        return {}
    columns = {f"delta_{name}" for name in metrics}
    if not {*CANDIDATE, "status"} <= set(table) or not len(table):
        return {}
    table = table[table["status"].eq("complete") & ~table["method"].isin(REFERENCES)]
    table = table[table["budget"].eq(table["budget"].max())]
    found = {}
    for column in sorted(columns & set(table)):
        groups = table.groupby(CANDIDATE)[column]
        variance, free = groups.var(ddof=1).to_numpy(dtype=float), groups.count().to_numpy(dtype=float) - 1
        sure = np.isfinite(variance) & (free > 0)
        # The median of a chi-square variable with d degrees of freedom is close to d (1 - 2/(9 d))^3.
        unbiased = variance[sure] / (1.0 - 2.0 / (9.0 * free[sure])) ** 3
        if len(unbiased) and float(np.median(unbiased)) > 0:
            found[column.removeprefix("delta_")] = math.sqrt(float(np.median(unbiased)))
    return {name: found[name] for name in metrics if name in found}


def _candidates(plan: Plan) -> int:
    """Return how many pruned networks of one budget there will be at most."""
    asked = plan.study.search.candidates if plan.study.search.kind != "grid" else None
    there = len({(trial.arm, trial.ratio) for trial in plan.trials if trial.kind == PRUNED})
    return asked or there or sum(len(arm.ratios) for arm in plan.arms)
