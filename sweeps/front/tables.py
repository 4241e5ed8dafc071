"""The tables of an output folder: records and front, of all that the study asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from prune_core.metrics import Direction
from sweeps.front.front import write_front
from sweeps.records.collect import write_records

_SHOWN = ("accuracy", "ece", "nll", "mpc", "nonzero_parameters", "macs", "compression")


def write_tables(
    out: Path, records: pd.DataFrame, objectives: Mapping[str, Direction], *, select_on: str, seeds: Sequence[int]
) -> None:
    """Write ``records.parquet``, ``records.csv`` and ``front.csv``; the arguments are those of `write_front`."""
    write_records(records, out)
    write_front(out, records, objectives, shown=_SHOWN, select_on=select_on, seeds=seeds)
