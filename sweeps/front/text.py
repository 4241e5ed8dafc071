"""The front as a person reads it on a terminal: the longest fine-tuning, best accuracy first, without what collapsed."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prune_core.base.kinds import UNPRUNED
from prune_core.base.plain_text import aligned, columns_with_a_value
from prune_core.metrics import Direction
from prune_core.metrics.numbers import counted, plain_number
from prune_core.metrics.quantities import quantities_known, title_of
from prune_core.metrics.quantity import Quantity
from sweeps.front.collapse import COLLAPSED, has_collapsed, loss_column
from sweeps.front.front import candidates, front, rivals
from sweeps.front.limits import limit_columns, plain_row, verdict_word, verdicts
from sweeps.front.seeds import CANDIDATE
from sweeps.records.builds import builds_line
from sweeps.records.checkpoints import one_checkpoint_line
from sweeps.study.deciding import REPORT, deciding_column
from sweeps.study.values import Limit

if TYPE_CHECKING:
    import pandas as pd


def headlines() -> list[Quantity]:
    """Return what every summary shows, in its order: the headline metrics, then the headline costs."""
    return [one for one in quantities_known() if one.headline and one.recorded and not one.is_text]


def shown_columns(
    decisive: Iterable[str], limits: Iterable[Limit] = (), columns: Container[str] = (), select_on: str = "validation"
) -> list[str]:
    """Return the columns of the table: the headlines, then what else the study's objectives and limits ask for.

    Args:
        decisive: the columns that decide.
        limits: the study's.
        columns: those that there are; a headline is shown by its selection number where it is among them.
        select_on: as the study says.
    """
    asked = [*(one.name for one in headlines()), *decisive, *(limit.column for limit in limits)]
    return list(dict.fromkeys(deciding_column(name, columns, select_on) for name in asked))


@dataclass(frozen=True)
class FrontTable:
    """The front as cells of text; false while no candidate is complete.

    Attributes:
        heads: of the columns; the first, of who it is, has none.
        rows: a row for each candidate, the means over the seeds; a column in which no row has a number is left out.
        note: what the numbers are, and what the rows leave out.
    """

    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    note: str = ""

    def __bool__(self) -> bool:
        """Whether there is a row."""
        return bool(self.rows)

    def lines(self, most: int) -> list[str]:
        """Return it as plain lines, at most so many of its rows; nothing without one."""
        if not self.rows:
            return []
        more = [f"and {len(self.rows) - most} more (front.csv)"] if len(self.rows) > most else []
        return [*aligned([self.heads, *self.rows[:most]]), *more, self.note]


def front_table(
    records: pd.DataFrame,
    decisive: Mapping[str, Direction],
    seeds: Sequence[int],
    select_on: str = "validation",
    limits: Sequence[Limit] = (),
) -> FrontTable:
    """Return the front as text: at the longest budget, the most accurate first.

    Args:
        records: the table of records so far.
        decisive: the columns that decide, and their directions.
        seeds: those that a complete candidate has.
        select_on: as the study says.
        limits: the study's; with any, the last column says who meets them.
    """
    if records.empty:
        return FrontTable()
    numbers = shown_columns(decisive, limits, records.columns, select_on)
    accuracy = deciding_column("accuracy", records, select_on)
    judged = limit_columns(limits, records.columns, select_on)
    shown = [*numbers, *judged, accuracy, loss_column(records.columns, select_on)]
    table = candidates(records, decisive, shown=shown, seeds=seeds)
    everywhere = int(front(table, decisive).sum())
    at_longest = table[rivals(table)[-1]]
    chosen = at_longest[front(at_longest, decisive, mix_budgets=True)].sort_values(accuracy, ascending=False, kind="stable")
    kept = chosen[~has_collapsed(chosen, select_on)]
    rows = [
        (
            candidate_name(row),
            *(_number(row[column], column) for column in numbers),
            *([verdict_word(verdicts(plain_row(row), limits, select_on))] if limits else []),
        )
        for _, row in kept.iterrows()
    ]
    if not rows:
        return FrontTable()
    heads = ("", *map(title_of, numbers), *(["limits"] if limits else []))
    images = "the report images, which also chose" if select_on == REPORT else "validation images (selection)"
    note = [f"means over seeds on {images}, {counted(int(at_longest['budget'].max()), 'epoch')} of fine-tuning"]
    if len(kept) < len(chosen):
        note.append(f"{len(chosen) - len(kept)} more lost over {100 * COLLAPSED:g} points of accuracy against their control")
    if everywhere > len(chosen):
        note.append(f"{everywhere - len(chosen)} on the fronts of other budgets (front.csv)")
    note += _without(records, decisive, int(at_longest["budget"].max()))
    more = [line for line in (one_checkpoint_line(records), builds_line(records)) if line is not None]
    heads, *rows = columns_with_a_value([heads, *rows])
    return FrontTable(heads, tuple(rows), "; ".join([*note, *more]))


def _without(records: pd.DataFrame, decisive: Iterable[str], budget: int) -> list[str]:
    """Return how many candidates cannot compete for want of a number: a metric of one's own may be undefined for some."""
    judged = records[records["status"].eq("complete") & records["budget"].eq(budget)]
    found = []
    for column in decisive:
        lacking = judged[judged[column].isna()].drop_duplicates(CANDIDATE)
        if len(lacking):
            found.append(f"{len(lacking)} without {column} in every seed do not compete")
    return found


def candidate_name(row: pd.Series[Any]) -> str:
    """Return how people name a candidate: its arm, or what it is where no method touched it, then ratio and budget."""
    if row["method"] in UNPRUNED:
        return f"{row['arm']} {row['method']}" + (f", {counted(row['budget'], 'epoch')}" if row["budget"] else "")
    return f"{row['arm']} at {row['ratio']:g}, {counted(row['budget'], 'epoch')}"


def _number(value: object, column: str) -> str:
    """Return a cell; without the unit, which the head of its column says."""
    return plain_number(float(value), column).removesuffix(" bytes")  # type: ignore[arg-type]
