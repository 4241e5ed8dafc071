"""The table of records of a folder, from the trials' folders where the file is damaged: they are the truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prune_core.base.errors import BadInput
from sweeps.folder.paths import RECORDS
from sweeps.records.collect import collect, read_records
from sweeps.records.table_file import DamagedTable
from sweeps.search.whole_plan import whole_plan

if TYPE_CHECKING:
    import pandas as pd


def whole_table(out: Path) -> pd.DataFrame:
    """Return the table that the last run wrote, or where that is damaged the one that a run would write now.

    The runs in MLflow are not in the latter.

    Raises:
        BadInput: the table is damaged, and the folder does not say what the records are; or it is too large.
    """
    try:
        return read_records(out)
    except DamagedTable as error:
        remedy = "run the study again: the table is made anew"
        try:
            plan = whole_plan(out)
        except BadInput as other:
            raise BadInput(f"{error} ({remedy}; without that: {other})") from None
        table = collect(out, plan.trials, study=plan.study.name)
        if table.empty:
            raise BadInput(f"{out / RECORDS}: damaged, and no trial's folder has a record ({remedy})") from None
        return table
