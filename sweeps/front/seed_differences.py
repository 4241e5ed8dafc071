"""What the seeds of a candidate differ in: a whole training, fine-tuning alone, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prune_core.metrics.quantities import is_cost
from sweeps.front.seeds import CANDIDATE
from sweeps.records.columns import CHECKPOINT

if TYPE_CHECKING:
    import pandas as pd

SEEDS_DIFFER_IN = "seeds_differ_in"
"""A column of a candidates table: one of the three below; missing for a single seed."""
TRAINING = "training"
FINE_TUNING = "fine-tuning"
NOTHING = "nothing"
"""One checkpoint, judged once for every seed: there is no spread, and none is stated."""


def with_seed_differences(table: pd.DataFrame, records: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return a candidates table with `SEEDS_DIFFER_IN`, and no deviation of metrics where the seeds differ in nothing.

    Args:
        table: means and ``*_std`` by candidate, with ``seeds``.
        records: the records that were averaged, with `CHECKPOINT`.
        by: the columns that identify a candidate, the index of ``table``.
    """
    import pandas as pd  # 0.25 s of CPU, where there is a table

    groups = records.groupby(list(by), sort=True, dropna=False)
    given = groups[CHECKPOINT].agg(lambda files: bool(files.notna().all() and files.nunique() == 1))
    shared = given.reindex(table.index).eq(True)
    deviations = [name for name in table.columns if name.endswith("_std") and not is_cost(name.removesuffix("_std"))]
    equal = table[deviations].fillna(0).eq(0).all(axis=1)
    said = pd.Series(TRAINING, index=table.index).mask(shared, FINE_TUNING).mask(shared & equal, NOTHING)
    result = table.assign(**{SEEDS_DIFFER_IN: said.where(table["seeds"] > 1)})
    result.loc[result[SEEDS_DIFFER_IN].eq(NOTHING).to_numpy(dtype=bool), deviations] = np.nan
    return result


def repeated(records: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which records judge the very network of another seed, ``(N,)``: they are one observation, told several times.

    A candidate that a checkpoint for all seeds leaves nothing to vary has one record that counts, that of the first row.
    """
    if CHECKPOINT not in records:
        return np.zeros(len(records), dtype=bool)
    told = [name for name in ("accuracy", "ece", "nll", "val_accuracy", "val_nll") if name in records]
    known = records["status"].eq("complete") & records[CHECKPOINT].notna()
    again = records[known].duplicated([*CANDIDATE, CHECKPOINT, *told])
    return again.reindex(records.index, fill_value=False).to_numpy(dtype=bool)
