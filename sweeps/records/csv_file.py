"""Tables of records as CSV files, which people open in spreadsheets; the parquet file beside them holds every text raw."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prune_core.base.files import replacing
from prune_core.base.plain_text import csv_cell

if TYPE_CHECKING:
    import pandas as pd


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table, ten digits per number; no name in it, of a column either, is a formula or moves a cursor."""
    import pandas as pd  # 0.25 s of CPU, where there is a table

    plain = table.rename(columns=csv_cell)
    for position, kind in enumerate(plain.dtypes):
        if not (pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind)):
            plain.isetitem(position, [csv_cell(value) for value in plain.iloc[:, position]])
    with replacing(path) as temporary:
        plain.to_csv(temporary, index=False, float_format="%.10g")
