"""The table of records: one row per trial and budget, read from the trials' folders. Needs neither ray nor torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune_core.base.files import replacing
from prune_core.base.trial_folder import COMPLETE, read_outcome, read_record
from prune_core.metrics.columns import SET_COLUMNS, report_cell_columns
from sweeps.folder.paths import RECORDS, RECORDS_CSV, trial_folder
from sweeps.records.checkpoints import checkpoint_of
from sweeps.records.columns import (
    CHECKPOINT,
    CONTROL_KEY,
    SORTED_BY,
    delta_columns,
    measured_columns,
    record_columns,
    text_columns,
)
from sweeps.records.control import control_keys, with_control_keys
from sweeps.records.csv_file import write_csv
from sweeps.records.planned import PlannedRow
from sweeps.records.table_file import read_table

if TYPE_CHECKING:
    import pandas as pd


def collect(
    out: Path, trials: Iterable[PlannedRow], *, study: str, run_ids: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Return the table of records of the given trials: what is on disk but not asked for stays out of it.

    A trial that is not finished gives a row for each budget that it has reached; one that failed or diverged gives, besides
    those, a row without metrics for each budget that it did not reach, with its status and cause. Columns of test images
    under corruption are empty at budgets that are not judged on them, also where an earlier, shorter study did.

    Args:
        out: the study's output folder.
        trials: what the plan, or the search, asked for.
        study: the study's name.
        run_ids: MLflow's run id by trial key.

    Returns:
        One row per (trial, budget), every column of `record_columns`, sorted by `SORTED_BY`; empty cells are missing values.
    """
    import pandas as pd  # 0.25 s of CPU, where there is a table

    planned = list(trials)
    columns = _Columns(measured_columns())
    rows = [row for trial in planned for row in _rows(out, trial, study, (run_ids or {}).get(trial.key), columns)]
    table = pd.DataFrame(rows, columns=record_columns())
    table = _typed(table)
    table = _with_deltas(table, planned)
    return table.sort_values(list(SORTED_BY), kind="stable", ignore_index=True)


def write_records(table: pd.DataFrame, out: Path) -> None:
    """Write ``records.parquet`` and ``records.csv``; equal tables give equal bytes."""
    with replacing(out / RECORDS) as temporary:
        table.to_parquet(temporary, index=False)
    write_csv(table, out / RECORDS_CSV)


def read_records(out: Path) -> pd.DataFrame:
    """Return the table of records that is there; the one place where a table is read, an older version's too."""
    return with_control_keys(read_table(out / RECORDS))


class _Columns:
    """The columns that a record may fill, told once for a table of thousands.

    Args:
        everywhere: at budgets at which the test images under corruption are judged.
    """

    def __init__(self, everywhere: list[str]) -> None:
        left_out = {*report_cell_columns(), *SET_COLUMNS}
        self.everywhere = everywhere
        self.without_cells = [column for column in everywhere if column not in left_out]


def _rows(out: Path, trial: PlannedRow, study: str, run_id: str | None, columns: _Columns) -> list[dict[str, Any]]:
    folder = trial_folder(out, trial.key)
    outcome = read_outcome(folder)
    status = outcome["status"] if outcome is not None else None
    found = []
    for budget in trial.budgets:
        record = read_record(folder, budget)
        if record is None and status in (None, COMPLETE):
            continue
        identity = {
            "key": trial.key,
            "study": study,
            "arm": trial.arm,
            "network": trial.network,
            "method": trial.method,
            "ratio": float(trial.ratio),
            "seed": trial.seed,
            "budget": budget,
            "mlflow_run_id": run_id,
            CHECKPOINT: checkpoint_of(trial),
            # a budget that was reached is complete whatever came later
            "status": COMPLETE if record is not None else status,
            "cause": None if record is not None or outcome is None else outcome.get("cause"),
        }
        filled = columns.everywhere if budget in trial.report_budgets else columns.without_cells
        measured = {} if record is None else {column: record.get(column) for column in filled}
        found.append({**identity, **measured})
    return found


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Fixed types, whatever the rows hold: text, whole numbers, floats."""
    import pandas as pd  # 0.25 s of CPU, where there is a table

    texts = set(text_columns())
    for column in table.columns:
        if column in texts:
            table[column] = table[column].astype("string")
        elif column in ("seed", "budget"):
            table[column] = table[column].astype("int64")
        else:
            table[column] = pd.to_numeric(table[column]).astype("float64")
    return table


def _with_deltas(table: pd.DataFrame, trials: list[PlannedRow]) -> pd.DataFrame:
    """Subtract the control of the same baseline, fine-tuning recipe, seed and budget; empty where there is none."""
    import pandas as pd  # 0.25 s of CPU, where there is a table

    table[CONTROL_KEY] = table["key"].map(control_keys(trials)).astype("string")
    whole = table[table["status"].eq(COMPLETE)].set_index(["key", "budget"])
    wanted = pd.MultiIndex.from_arrays([table[CONTROL_KEY], table["budget"]], names=["key", "budget"])
    columns = [delta.removeprefix("delta_") for delta in delta_columns()]
    table[delta_columns()] = table[columns].to_numpy() - whole[columns].reindex(wanted).to_numpy()
    return table
