"""What is doubtful about the unpruned networks of a study: said before anything is concluded from their pruned ones."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from prune_core.base.kinds import BASELINE
from prune_core.base.trial_folder import COMPLETE
from prune_core.metrics.quantities import is_cost
from prune_core.metrics.sanity import REMEDY, RETRAIN, doubts
from sweeps.front.limits import unmet
from sweeps.records.columns import CHECKPOINT
from sweeps.study.deciding import deciding_column
from sweeps.study.values import Limit


def baseline_doubts(
    records: pd.DataFrame, limits: Iterable[Limit], classes: int | None, select_on: str
) -> list[tuple[str, str]]:
    """Return (network, what is doubtful) for each unpruned network that is near chance, confident and wrong, or off limits.

    Args:
        records: the table of records; the means over the seeds count.
        limits: the study's; those on costs are what pruning is for and do not count.
        classes: how many the data has; None where that is not known.
        select_on: which images decide, as the study says.
    """
    if records.empty:
        return []
    table = records[records["status"].eq(COMPLETE) & records["method"].eq(BASELINE)]
    found = []
    for arm, own in table.groupby(table["arm"].astype(str), sort=True):
        means = own.mean(numeric_only=True)
        said = _of_network(means, classes, select_on, brought=CHECKPOINT in own and bool(own[CHECKPOINT].notna().any()))
        missed = _missed(means, limits, select_on)
        if missed:
            said.append(
                f"unpruned it misses {'a limit' if len(missed) == 1 else 'limits'} of the study: {'; '.join(missed)}"
            )
        if said:
            found.append((str(arm), "; ".join(said)))
    return found


def _of_network(means: pd.Series[float], classes: int | None, select_on: str, *, brought: bool) -> list[str]:
    names = [deciding_column(name, means.index, select_on) for name in ("accuracy", "mean_confidence")]
    accuracy, confidence = (float(means.get(name, float("nan"))) for name in names)
    found = doubts(accuracy, confidence, classes)
    return [*found, REMEDY if brought else RETRAIN] if found else []


def _missed(means: pd.Series[float], limits: Iterable[Limit], select_on: str) -> list[str]:
    measured = {str(name): float(value) for name, value in means.items() if value == value}
    able = [
        limit
        for limit in limits
        if not is_cost(limit.column) and deciding_column(limit.column, measured, select_on) in measured
    ]
    return unmet(measured, able, select_on)
