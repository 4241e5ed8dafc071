"""Which column decides where a study names a metric: the selection number, unless the report images decide."""

from __future__ import annotations

from collections.abc import Container, Mapping

from prune_core.metrics import Direction

REPORT = "report"
"""What ``select_on`` says when the report images decide; otherwise it says ``validation``."""


def deciding_column(column: str, columns: Container[str], select_on: str) -> str:
    """Return the column that is read where a study asks for ``column``: ``val_*`` of it where there is one.

    Costs have no selection number and decide themselves; so does everything when the study selects on the report images.

    Args:
        column: as the study names it; a ``delta_*`` column has its selection number in ``delta_val_*``.
        columns: those that there are: of the records, of a table of candidates, of one row.
        select_on: as the study says.
    """
    metric = column.removeprefix("delta_")
    selection = f"{column.removesuffix(metric)}val_{metric}"
    return selection if select_on != REPORT and selection in columns else column


def deciding_columns(
    objectives: Mapping[str, Direction], columns: Container[str], select_on: str = "validation"
) -> dict[str, Direction]:
    """Return the columns that decide membership of a front, with their directions.

    Args:
        objectives: metric or cost column -> direction, as the study names them.
        columns: see `deciding_column`.
        select_on: "validation", or "report" to decide on the report images (which is then to be said wherever it is shown).
    """
    return {deciding_column(name, columns, select_on): direction for name, direction in objectives.items()}
