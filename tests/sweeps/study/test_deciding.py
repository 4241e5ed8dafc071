from __future__ import annotations

import pandas as pd
import pytest

from prune_core.metrics import Direction
from sweeps.study.deciding import deciding_column, deciding_columns

COLUMNS = ("accuracy", "val_accuracy", "mpc_s5", "nonzero_parameters", "delta_accuracy", "delta_val_accuracy", "delta_rpc")


@pytest.mark.parametrize(
    ("column", "validation"),
    [
        ("accuracy", "val_accuracy"),
        ("val_accuracy", "val_accuracy"),
        ("mpc_s5", "mpc_s5"),  # single severities are judged on report images alone
        ("nonzero_parameters", "nonzero_parameters"),
        ("delta_accuracy", "delta_val_accuracy"),
        ("delta_rpc", "delta_rpc"),
    ],
)
def test_the_selection_number_decides_where_there_is_one(column: str, validation: str) -> None:
    table = pd.DataFrame(columns=list(COLUMNS))
    for columns in (COLUMNS, set(COLUMNS), table, table.columns, dict.fromkeys(COLUMNS)):
        assert deciding_column(column, columns, "validation") == validation
        assert deciding_column(column, columns, "report") == column


def test_objectives_keep_their_directions() -> None:
    named: dict[str, Direction] = {"accuracy": "max", "nonzero_parameters": "min"}
    assert deciding_columns(named, COLUMNS) == {"val_accuracy": "max", "nonzero_parameters": "min"}
    assert deciding_columns(named, COLUMNS, "report") == named
