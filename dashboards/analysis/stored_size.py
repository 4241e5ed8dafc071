"""What a pruned network weighs as a device stores it: zeros inside a dense kernel are in the file and in the MACs."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dashboards import labels
from dashboards.analysis.points import Points, rows_of
from prune_core.metrics.numbers import plain_number
from sweeps.front.recommended import control_of


def control_row(points: Points, row: Any) -> Any | None:
    """Return the unpruned network that a candidate is compared with, as a row of the table; None where there is none."""
    found = control_of(points.at(int(row.budget)), row._asdict())
    return None if found is None else rows_of(points.table.loc[[found.name]])[0]


def stored_remark(points: Points, row: Any) -> str:
    """Return what to say beside a pruned network whose file is no smaller than its control's; empty for any other."""
    control = control_row(points, row)
    if control is None or not row.size_bytes >= control.size_bytes:
        return ""
    than = "larger than" if row.size_bytes > control.size_bytes else "as large as"
    macs = labels.number(row.macs, "macs")
    many = f"as many MACs ({macs})" if row.macs == control.macs else f"{macs} MACs ({labels.number(control.macs, 'macs')})"
    return (
        f"Its file is {than} its control's ({_bytes(row, control)}), and a dense kernel multiplies {many}: only formats and "
        "hardware that skip zeros gain from it."
    )


def fewer_nonzero_remark(points: Points, row: Any, rows: pd.DataFrame) -> str:
    """Return who has fewer nonzero parameters than the smallest, among those that qualify, and what its file weighs."""
    fewer = rows[rows["nonzero_parameters"] < row.nonzero_parameters]
    if not len(fewer):
        return ""
    other = rows_of(fewer.sort_values("nonzero_parameters", kind="stable").head(1))[0]
    counts = (labels.number(each.nonzero_parameters, "nonzero_parameters") for each in (other, row))
    said = f"Counting nonzero parameters alone, {labels.candidate(other)} has fewer ({' against '.join(counts)})"
    return f"{said}, but its file is larger ({_bytes(other, row)})." if other.size_bytes > row.size_bytes else f"{said}."


def _bytes(one: Any, other: Any) -> str:
    each = [plain_number(row.size_bytes, "size_bytes") for row in (one, other)]
    return f"{each[0].removesuffix(' bytes')} against {each[1]}"
