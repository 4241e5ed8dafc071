"""Which networks have collapsed: too far below what pruning started from to be an answer to anybody's question.

A collapsed network is often on a front all the same. It is small, so few networks beat it in cost, and its confidence falls
with its accuracy, so its ECE may look good. So whoever shows or hands on a front says which of its networks collapsed.

The loss is measured against the network's own control (the unpruned network of the same baseline, seed, fine-tuning and
budget), since a network is not collapsed for being fine-tuned briefly or for coming of a weak baseline; and on the images
that select, wherever something is selected, since report images decide nothing. What has no control (an unpruned baseline,
the dense ladder, what is trained from scratch) lost nothing to pruning and does not collapse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.study.deciding import deciding_column

if TYPE_CHECKING:
    import pandas as pd

COLLAPSED = 0.1
"""Accuracy lost to pruning, as a fraction, from which on a network is called collapsed: ten percentage points."""


def loss_column(columns: pd.Index, select_on: str) -> str:
    """Return the column of accuracy minus the control's by which it is decided who collapsed.

    Args:
        columns: of the records or of a table of candidates.
        select_on: as the study says.
    """
    return deciding_column("delta_accuracy", columns, select_on)


def lost_accuracy(table: pd.DataFrame, select_on: str) -> pd.Series[float]:
    """Return how much accuracy each row lost against its control, as a fraction; NaN where it has none.

    Args:
        table: records, or candidates (then the mean over the seeds), with the column that `loss_column` names.
        select_on: as the study says.
    """
    import pandas as pd  # 0.25 s of CPU, where there is a table

    column = loss_column(table.columns, select_on)
    if column not in table:
        return pd.Series(float("nan"), index=table.index)
    return -table[column].astype(float)


def has_collapsed(table: pd.DataFrame, select_on: str) -> pd.Series[bool]:
    """Return which rows lost more than `COLLAPSED`; the arguments are those of `lost_accuracy`."""
    return lost_accuracy(table, select_on).gt(COLLAPSED)
