"""The tables of an output folder: records and front, of all that the study asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from prune_core.metrics import Direction
from prune_core.metrics.quantities import quantities_known
from sweeps.front.front import write_front
from sweeps.records.collect import write_records
from sweeps.records.columns import cost_columns
from sweeps.study.values import Limit


def shown_in_front() -> list[str]:
    """Return what the front shows beside the objectives: the metrics of the report's table, and every cost."""
    metrics = [one.name for one in quantities_known() if one.table and not one.is_cost]
    return [*metrics, *cost_columns()]


def write_tables(
    out: Path,
    records: pd.DataFrame,
    objectives: Mapping[str, Direction],
    *,
    select_on: str,
    seeds: Sequence[int],
    limits: Sequence[Limit] = (),
) -> None:
    """Write ``records.parquet``, ``records.csv`` and ``front.csv``; the arguments are those of `write_front`."""
    write_records(records, out)
    write_front(out, records, objectives, shown=shown_in_front(), select_on=select_on, seeds=seeds, limits=limits)
