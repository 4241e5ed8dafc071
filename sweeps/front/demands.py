"""What a recommended network must keep, and by which cost it is called small: by limits and margins, or by default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from prune_core.metrics.quantities import directions, is_cost
from sweeps.front.collapse import loss_column
from sweeps.front.limits import limit_columns
from sweeps.study.deciding import deciding_column
from sweeps.study.values import Limit

if TYPE_CHECKING:
    import pandas as pd

MARGIN = 0.01
"""Accuracy that may be lost against the control, as a fraction, in a study with neither limits nor a margin of it."""
KEPT: Mapping[str, float] = {"accuracy": MARGIN, "ece": 0.01, "mpc": 0.02}
"""What must be kept by default, as fractions: a point of accuracy, a hundredth of ECE, two points of mPC, which fewer images
measure. Accuracy always; the others where they are objectives and the study declares no margins, so that the answer keeps
all that is asked about."""
_PAID = {"nonzero_parameters": "size_bytes", "nonzero_macs": "macs"}
"""Costs that count zeros out -> what a device that stores and multiplies them pays."""


def demands_of(
    columns: pd.Index,
    limits: Iterable[Limit],
    margins: Mapping[str, float],
    select_on: str = "validation",
    objectives: Iterable[str] = ("accuracy",),
) -> tuple[Limit, ...]:
    """Return what a recommended network must keep, as comparisons of the columns that decide.

    Args:
        columns: of the records, or of a table of candidates.
        limits: the study's, on means over the seeds.
        margins: the study's, column -> how much may be lost against the control.
        select_on: as the study says.
        objectives: the study's.
    """
    demanded = [Limit(deciding_column(one.column, columns, select_on), one.comparison, one.value) for one in limits]
    kept = {name.removeprefix("val_"): amount for name, amount in margins.items()}
    if not demanded:
        wanted = {"accuracy"} if kept else {"accuracy", *(name.removeprefix("val_") for name in objectives)}
        kept = {name: amount for name, amount in KEPT.items() if name in wanted} | kept
    for name, amount in kept.items():
        column = deciding_column(f"delta_{name}", columns, select_on)
        # a plugin's metric in a folder that does not describe its columns: nobody knows which way is better
        way = directions().get(name)
        if column in columns and way is not None:
            best = way == "max"
            demanded.append(Limit(column, ">=" if best else "<=", -amount if best else amount))
    return tuple(dict.fromkeys(demanded))


def paid_cost(objectives: Iterable[str]) -> str:
    """Return the cost by which networks are called small: the first of the objectives, as a dense device pays it."""
    first = next((name for name in objectives if is_cost(name)), "size_bytes")
    return _PAID.get(first, first)


def counted_cost(objectives: Iterable[str]) -> str:
    """Return the cost that decides where no network is really smaller: the first of the objectives, as it stands there."""
    return next((name for name in objectives if is_cost(name)), "nonzero_parameters")


def recommended_columns(
    columns: pd.Index, objectives: Iterable[str], limits: Iterable[Limit], margins: Mapping[str, float], select_on: str
) -> list[str]:
    """Return the columns that a table of candidates needs for `recommend`, beside the objectives."""
    limits, objectives = list(limits), list(objectives)
    wanted = [
        *(one.column for one in demands_of(columns, limits, margins, select_on, objectives)),
        *limit_columns(limits, columns, select_on),
        *(deciding_column(name, columns, select_on) for name in (*KEPT, *(_kept(name) for name in margins))),
        paid_cost(objectives),
        counted_cost(objectives),
        loss_column(columns, select_on),
    ]
    return [name for name in dict.fromkeys(wanted) if name in columns]


def _kept(name: str) -> str:
    return name.removeprefix("val_")
