"""What a study can find, said before its hours are spent: the smallest differences, and what one more seed buys."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from prune_core.base.kinds import PRUNED
from prune_core.metrics.directions import metric_of
from prune_core.metrics.numbers import counted
from sweeps.folder.paths import RECORDS
from sweeps.front.claim_levels import DECIDABLE
from sweeps.front.power import POWER, SEED_DEVIATION, seed_deviations, smallest_difference
from sweeps.records.columns import cost_columns, seconds_columns

if TYPE_CHECKING:
    import pandas as pd

    from sweeps.plan.plan import Plan


def power_lines(plan: Plan, out: Path) -> list[str]:
    """Return the lines of a plan about what it can find: none where no objective is a metric.

    Args:
        plan: of the study.
        out: the output folder; the records there, if any, say how much seeds scatter.
    """
    if plan.finds is not None and not (out / RECORDS).is_file():
        return list(plan.finds)
    metrics = [name for name in plan.study.objectives if name not in (*cost_columns(), *seconds_columns())]
    measured = seed_deviations(_records(out), metrics) if (out / RECORDS).is_file() else {}
    noise = {name: SEED_DEVIATION.get(metric_of(name), math.nan) for name in metrics} | measured
    known = {name: deviation for name, deviation in noise.items() if deviation > 0}
    if not metrics:
        return []
    unknown = ", ".join(name for name in metrics if name not in known)
    if not known:
        return [f"  finds      not known of {unknown} before seeds were run: how much they scatter"]
    seeds, many = len(plan.study.seeds), _candidates(plan)
    basis = f"{', '.join(measured)} as measured here" if measured else ""
    assumed = ", ".join(f"{name} {deviation:g}" for name, deviation in known.items() if name not in measured)
    basis += ("; " if basis and assumed else "") + (f"assumed: {assumed}" if assumed else "")

    asked = max(sum(name in metrics for name in plan.study.primary), 1)

    def size(of: int) -> str:
        found = {name: smallest_difference(of, many, each, primary=asked) for name, each in known.items()}
        return "at least " + ", ".join(f"{one:.2g} in {name}" for name, one in found.items())

    start = f"  finds      with {seeds} seed{'s' if seeds != 1 else ''} "
    enough = max(seeds, DECIDABLE - 1) + 1
    if seeds < DECIDABLE:
        first = f"no difference (a claim needs {DECIDABLE} seeds)"
    else:
        first = f"differences of a recommended network to its control of {size(seeds)}"
    rest = f"; of {unknown} not known before seeds were run" if unknown else ""
    return [
        f"{start}{first};",
        f"             with {enough} seeds {'differences of ' if seeds < DECIDABLE else 'of '}{size(enough)}{rest},",
        f"             in {POWER:.0%} of studies, among {counted(many, 'candidate')}; standard deviation over seeds "
        f"{basis};",
        "             the choice of images adds to it",
    ]


def _records(out: Path) -> pd.DataFrame:
    """Return the records there; an empty table where there are none that can be read."""
    import pandas as pd  # 0.25 s of CPU, where there is a table

    try:
        return pd.read_parquet(out / RECORDS)
    except (OSError, ValueError):
        return pd.DataFrame()


def _candidates(plan: Plan) -> int:
    """Return how many pruned networks of one budget there will be at most."""
    asked = plan.study.search.candidates if plan.study.search.kind != "grid" else None
    there = len({(trial.arm, trial.ratio) for trial in plan.trials if trial.kind == PRUNED})
    return asked or there or sum(len(arm.ratios) for arm in plan.arms)
