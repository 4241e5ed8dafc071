"""The front as a person reads it on a terminal: the longest fine-tuning, best accuracy first, without what collapsed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from prune_core.base.kinds import UNPRUNED
from prune_core.metrics.quantities import quantities_known
from prune_core.metrics.quantity import Quantity
from sweeps.front.front import Direction, candidates, front, rivals

COLLAPSED = 0.2
"""Accuracy lost against the best unpruned network from which on a network is no answer to anybody's question: its confidence
falls with its accuracy, so its ECE looks good and it is seldom dominated."""


def headlines() -> list[Quantity]:
    """Return what the table shows, in its order: the headline metrics, then the headline costs."""
    return [one for one in quantities_known() if one.headline and one.recorded and not one.is_text]


def front_heads() -> list[str]:
    """Return the heads of the table's columns; the first, of who it is, has none."""
    return ["", *(one.title for one in headlines())]


def front_rows(
    records: pd.DataFrame, decisive: Mapping[str, Direction], seeds: Sequence[int]
) -> tuple[list[tuple[str, ...]], str]:
    """Return the front as rows of text, and a line that says what they show and what they leave out.

    Args:
        records: the table of records so far.
        decisive: the columns that decide, and their directions.
        seeds: those that a complete candidate has.

    Returns:
        A cell for each of `front_heads`, the means over the seeds; nothing while no candidate is complete.
    """
    if records.empty:
        return [], ""
    selection = any(column.startswith("val_") for column in decisive)
    numbers = [f"val_{one.name}" if selection and not one.is_cost else one.name for one in headlines()]
    accuracy = "val_accuracy" if selection else "accuracy"
    table = candidates(records, decisive, shown=numbers, seeds=seeds)
    everywhere = int(front(table, decisive).sum())
    at_longest = table[rivals(table)[-1]]
    chosen = at_longest[front(at_longest, decisive, mix_budgets=True)].sort_values(accuracy, ascending=False, kind="stable")
    kept = chosen[~has_collapsed(table, accuracy).loc[chosen.index]]
    rows = [(who(row), *(_number(row[column]) for column in numbers)) for _, row in kept.iterrows()]
    if not rows:
        return [], ""
    images = "validation images (selection)" if selection else "the report images, which also chose"
    note = [f"means over seeds on {images}, {at_longest['budget'].max()} epochs of fine-tuning"]
    if len(kept) < len(chosen):
        note.append(f"{len(chosen) - len(kept)} more lost over {100 * COLLAPSED:.0f} points of accuracy")
    if everywhere > len(chosen):
        note.append(f"{everywhere - len(chosen)} on the fronts of other budgets (front.csv)")
    return rows, "; ".join(note)


def has_collapsed(table: pd.DataFrame, accuracy: str) -> pd.Series[bool]:
    """Return which rows of a candidates table lost over `COLLAPSED` against the best unpruned network, by that column."""
    best = table.loc[table["complete"] & table["method"].isin(UNPRUNED), accuracy].max()
    lost: pd.Series[bool] = table[accuracy] < best - COLLAPSED
    return lost


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
