"""The recommended network: the one truth for the report, the end of a run, the list of exports and MLflow's alias.

Asked is the smallest network that keeps what it must (`sweeps.front.demands`). "Smallest" is what a device pays: the file,
or the dense multiplications. Zeros inside a dense kernel save neither, so they decide only where no network that qualifies
is really smaller. A network of the dense ladder, or one trained from scratch, that keeps as much in no larger a file is the
answer instead; and where nothing qualifies, that is the answer.

Only selection numbers decide (`sweeps.study.deciding`), and only the candidates of the longest budget compete.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from prune_core.base.kinds import BASELINE, CONTROL, DENSE, REFERENCES, SCRATCH
from prune_core.metrics import Direction
from sweeps.front.collapse import has_collapsed
from sweeps.front.demands import counted_cost, demands_of, paid_cost, recommended_columns
from sweeps.front.front import candidates, rivals
from sweeps.front.names import folder_name, title_of
from sweeps.study.deciding import deciding_column, deciding_columns
from sweeps.study.values import Limit

if TYPE_CHECKING:
    import pandas as pd

Outcome = Literal["pruned", "dense", "nothing", "incomplete"]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Recommended:
    """What is recommended, and by which rule.

    Attributes:
        outcome: "pruned"; "dense" where a network that was never pruned does as well in no larger a file; "nothing" where no
            candidate qualifies (keep the unpruned network); "incomplete" where no pruned candidate has all its seeds yet.
        row: the candidate, column -> mean over the seeds; None unless there is one.
        index: its label in the table that was judged.
        control: the unpruned network of the same arm at the same budget; None where there is none.
        beaten: of "dense", the pruned candidate that would have been recommended; None where none qualifies.
        pruned_index: the label of the pruned candidate that is recommended or beaten; None where none qualifies.
        demands: what it had to meet, as comparisons of the table's columns.
        cost: the column whose smallest value decided.
        shrinks: whether its cost is really below the unpruned network's; False where only its zeros are counted.
        qualified: labels of the pruned candidates that meet every demand.
        smaller: how many of them are really smaller than their control.
        among: how many pruned candidates there are at the longest budget.
    """

    outcome: Outcome
    demands: tuple[Limit, ...]
    cost: str
    row: Row | None = None
    index: Any = None
    control: Row | None = None
    beaten: Row | None = None
    pruned_index: Any = None
    shrinks: bool = False
    qualified: tuple[Any, ...] = ()
    smaller: int = 0
    among: int = 0

    @property
    def title(self) -> str:
        """What people call the network; empty where there is none."""
        return "" if self.row is None else title_of(self.row)

    @property
    def name(self) -> str:
        """What ``prunefront export --pick`` takes; empty where there is none."""
        return folder_name(self.title) if self.row is not None else ""


def recommend(
    table: pd.DataFrame,
    objectives: Iterable[str],
    *,
    limits: Sequence[Limit] = (),
    margins: Mapping[str, float] | None = None,
    select_on: str = "validation",
) -> Recommended:
    """Return the recommended network of a table of candidates.

    Args:
        table: of `sweeps.front.front.candidates`, with the columns of `recommended_columns`.
        objectives: the study's, by the names that it gives them.
        limits: the study's.
        margins: the study's.
        select_on: as the study says.
    """
    objectives = list(objectives)
    demands = demands_of(table.columns, limits, margins or {}, select_on, objectives)
    return recommend_by(table, objectives, demands, select_on)


def recommend_by(
    table: pd.DataFrame, objectives: Iterable[str], demands: tuple[Limit, ...], select_on: str = "validation"
) -> Recommended:
    """Return what would be recommended with these demands; the other arguments are those of `recommend`."""
    objectives = list(objectives)
    cost, counted = paid_cost(objectives), counted_cost(objectives)
    accuracy = deciding_column("accuracy", table.columns, select_on)
    absent = [name for name in dict.fromkeys((cost, counted, accuracy)) if name not in table]
    table = table.reindex(columns=[*table.columns, *absent])  # a table of an older version may lack a cost
    rival = table[rivals(table)[-1] & table["complete"].to_numpy(dtype=bool)]
    pruned = rival[~rival["method"].isin(REFERENCES)]
    if not len(pruned):
        return Recommended("incomplete", demands, cost)
    whole = pruned[~has_collapsed(pruned, select_on)]
    able = whole[_meet(whole, demands)]
    full = {network: _unpruned_cost(rival, network, cost) for network in able["network"].unique()}
    smaller = able[able[cost].to_numpy(dtype=float) < able["network"].map(full).to_numpy(dtype=float)]
    shrinks = bool(len(smaller))
    deciding = cost if shrinks else counted
    chosen = _first(smaller if shrinks else able, deciding, accuracy)
    control = None if chosen is None else control_of(rival, chosen)
    found = Recommended(
        "nothing" if chosen is None else "pruned",
        demands,
        deciding,
        None if chosen is None else _plain(chosen),
        None if chosen is None else chosen.name,
        None if control is None else _plain(control),
        pruned_index=None if chosen is None else chosen.name,
        shrinks=shrinks,
        qualified=tuple(able.index),
        smaller=len(smaller),
        among=len(pruned),
    )
    return _or_dense(found, rival, accuracy)


def recommended_of(
    records: pd.DataFrame,
    objectives: Mapping[str, Direction],
    *,
    seeds: Iterable[int] | None,
    limits: Sequence[Limit] = (),
    margins: Mapping[str, float] | None = None,
    select_on: str = "validation",
    shown: Sequence[str] = (),
) -> Recommended:
    """Return the recommended network of a table of records.

    Args:
        records: the table of records.
        objectives: the study's, by the names that it gives them.
        seeds: those that a complete candidate has; None for every seed that the records name.
        limits: the study's.
        margins: the study's.
        select_on: as the study says.
        shown: further columns that the row is to have.
    """
    if records.empty:
        return Recommended("incomplete", (), paid_cost(objectives))
    decisive = deciding_columns(objectives, records.columns, select_on)
    needed = recommended_columns(records.columns, objectives, limits, margins or {}, select_on)
    asked = [name for name in (*needed, *shown) if name in records.columns]
    table = candidates(records, decisive, shown=asked, seeds=seeds)
    return recommend(table, objectives, limits=limits, margins=margins, select_on=select_on)


def _or_dense(found: Recommended, rival: pd.DataFrame, accuracy: str) -> Recommended:
    """Return the network that was never pruned where it keeps as much in no larger a file, else what was found."""
    import pandas as pd  # 0.25 s of CPU, where there is a table

    dense = rival[rival["method"].isin((DENSE, SCRATCH))]
    if found.row is not None:  # another network of the study, unpruned, is a rung of a ladder too
        others = rival["method"].isin((BASELINE, CONTROL)) & rival["network"].ne(found.row["network"])
        dense = pd.concat([dense, rival[others]])
    if not len(dense):
        return found
    control = found.control
    if control is None:
        unpruned = rival[rival["method"].isin((BASELINE, CONTROL))].sort_values(accuracy, ascending=False, kind="stable")
        control = _plain(unpruned.iloc[0]) if len(unpruned) else None
    judged = _against(dense, found.demands, control)
    able = dense[_meet(judged, found.demands)]
    if found.row is not None:
        size, right = float(found.row[found.cost]), float(found.row[accuracy])
        costs = able[found.cost].astype(float)
        able = able[costs.lt(size) | (costs.eq(size) & able[accuracy].astype(float).ge(right))]
    chosen = _first(able, found.cost, accuracy)
    if chosen is None:
        return found
    return replace(
        found, outcome="dense", row=_plain(chosen), index=chosen.name, control=control, beaten=found.row, shrinks=True
    )


def _against(dense: pd.DataFrame, demands: Iterable[Limit], control: Row | None) -> pd.DataFrame:
    """Return networks without a control of their own with differences to the one that pruning started from."""
    result = dense.copy()
    for column in {one.column for one in demands if one.column.startswith("delta_")}:
        metric = column.removeprefix("delta_")
        known = control is not None and metric in control and metric in dense
        result[column] = dense[metric].astype(float) - float(control[metric]) if known and control else float("nan")
    return result


def _meet(table: pd.DataFrame, demands: Iterable[Limit]) -> pd.Series[bool]:
    import pandas as pd  # 0.25 s of CPU, where there is a table

    result = pd.Series(True, index=table.index)
    for one in demands:
        if one.column not in table:
            return pd.Series(False, index=table.index)
        result &= one.holds_each(table[one.column].to_numpy(dtype=float, na_value=np.nan))
    return result


def _first(table: pd.DataFrame, cost: str, accuracy: str) -> pd.Series[Any] | None:
    """Return the smallest; of equal ones the most accurate, then the first by name."""
    table = table[table[cost].notna()] if cost in table else table.iloc[:0]
    if not len(table):
        return None
    order = [cost, accuracy, "network", "arm", "ratio"]
    return table.sort_values(order, ascending=[True, False, True, True, True], kind="stable").iloc[0]


def _unpruned_cost(rival: pd.DataFrame, network: str, cost: str) -> float:
    own = rival[rival["network"].eq(network) & rival["method"].isin((BASELINE, CONTROL))]
    return float(own[cost].min()) if len(own) else float("inf")


def control_of(table: pd.DataFrame, row: Row | pd.Series[Any]) -> pd.Series[Any] | None:
    """Return the unpruned network that a candidate is compared with: fine-tuned as long, of the same arm or else network.

    Args:
        table: of candidates, those of one budget and what is never fine-tuned.
        row: of the candidate.
    """
    own = table[table["network"].eq(row["network"])]
    # slimming has a control of its own arm; the others share that of their network
    for method in (CONTROL, BASELINE):
        for arm in (row["arm"], row["network"]):
            found = own[own["method"].eq(method) & own["arm"].eq(arm)]
            if len(found):
                return found.iloc[0]
    found = own[own["method"].isin((CONTROL, BASELINE))]
    return found.iloc[0] if len(found) else None


def _plain(row: pd.Series[Any]) -> dict[str, Any]:
    return {str(column): value.item() if isinstance(value, np.generic) else value for column, value in row.items()}
