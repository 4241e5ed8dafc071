"""The front as a person reads it on a terminal: the longest fine-tuning, best accuracy first, without what collapsed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from prune_core.base.kinds import UNPRUNED
from prune_core.metrics import Direction
from prune_core.metrics.quantities import quantities_known
from prune_core.metrics.quantity import Quantity
from sweeps.front.collapse import COLLAPSED, has_collapsed, loss_column
from sweeps.front.front import candidates, front, rivals
from sweeps.records.builds import builds_line
from sweeps.records.checkpoints import one_checkpoint_line
from sweeps.study.deciding import REPORT, deciding_column


def headlines() -> list[Quantity]:
    """Return what the table shows, in its order: the headline metrics, then the headline costs."""
    return [one for one in quantities_known() if one.headline and one.recorded and not one.is_text]


def front_heads() -> list[str]:
    """Return the heads of the table's columns; the first, of who it is, has none."""
    return ["", *(one.title for one in headlines())]


def front_rows(
    records: pd.DataFrame, decisive: Mapping[str, Direction], seeds: Sequence[int], select_on: str = "validation"
) -> tuple[list[tuple[str, ...]], str]:
    """Return the front as rows of text, and a line that says what they show and what they leave out.

    Args:
        records: the table of records so far.
        decisive: the columns that decide, and their directions.
        seeds: those that a complete candidate has.
        select_on: as the study says.

    Returns:
        A cell for each of `front_heads`, the means over the seeds; nothing while no candidate is complete.
    """
    if records.empty:
        return [], ""
    numbers = [deciding_column(one.name, records, select_on) for one in headlines()]
    accuracy = deciding_column("accuracy", records, select_on)
    shown = [*numbers, accuracy, loss_column(records.columns, select_on)]
    table = candidates(records, decisive, shown=shown, seeds=seeds)
    everywhere = int(front(table, decisive).sum())
    at_longest = table[rivals(table)[-1]]
    chosen = at_longest[front(at_longest, decisive, mix_budgets=True)].sort_values(accuracy, ascending=False, kind="stable")
    kept = chosen[~has_collapsed(chosen, select_on)]
    rows = [(who(row), *(_number(row[column]) for column in numbers)) for _, row in kept.iterrows()]
    if not rows:
        return [], ""
    images = "the report images, which also chose" if select_on == REPORT else "validation images (selection)"
    note = [f"means over seeds on {images}, {at_longest['budget'].max()} epochs of fine-tuning"]
    if len(kept) < len(chosen):
        note.append(f"{len(chosen) - len(kept)} more lost over {100 * COLLAPSED:g} points of accuracy against their control")
    if everywhere > len(chosen):
        note.append(f"{everywhere - len(chosen)} on the fronts of other budgets (front.csv)")
    more = [line for line in (one_checkpoint_line(records), builds_line(records)) if line is not None]
    return rows, "; ".join([*note, *more])


def who(row: pd.Series[Any]) -> str:
    """Return how people name a candidate: its arm, or what it is where no method touched it, then ratio and budget."""
    if row["method"] in UNPRUNED:
        return f"{row['arm']} {row['method']}" + (f", {row['budget']} epochs" if row["budget"] else "")
    return f"{row['arm']} at {row['ratio']:g}, {row['budget']} epochs"


def _number(value: object) -> str:
    number = float(value)  # type: ignore[arg-type]
    if not math.isfinite(number):
        return "-"  # the study does not measure it
    return f"{number:,.0f}" if number == round(number) and number > 1 else f"{number:.4f}"
