"""The tables of an output folder: records and front, of all that the study asked for."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sweeps.front.front import write_front
from sweeps.records.collect import write_records
from sweeps.study.model import Study

_SHOWN = ("accuracy", "ece", "nll", "mpc", "nonzero_parameters", "macs", "compression")


def write_tables(study: Study, records: pd.DataFrame, out: Path) -> None:
    """Write ``records.parquet``, ``records.csv`` and ``front.csv``."""
    write_records(records, out)
    write_front(out, records, study.objectives, shown=_SHOWN, select_on=study.select_on, seeds=study.seeds)
