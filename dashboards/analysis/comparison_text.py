"""What changed from one study to another, on 120 columns: the answer, the front, the metrics, then a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from dashboards import labels
from dashboards.analysis.csv_tables import write_table
from dashboards.analysis.points import rows_of
from dashboards.analysis.study_comparison import Changed, Comparison, compared, headlines
from dashboards.reading.study_folder import read_study_folder
from prune_core.base.plain_text import aligned, printable
from prune_core.metrics.quantities import is_cost, known_here
from sweeps.front.front import CANDIDATE

WIDTH = 120
"""Columns of a terminal that everything fits."""
_ROWS = 20
_NAMED = 3
_INDENT = 22
_CHANCE = "* beyond chance: Welch's test at 5 % over the seeds, corrected by Holm for all candidates; a cost has no chance"


def compare_text(first: Path, second: Path, table: Path | None = None) -> str:
    """Return the comparison of two output folders as text: what changed first, then the candidates that changed most.

    Args:
        first: an output folder.
        second: another.
        table: also write the candidates that both have to this CSV file, numbers unrounded.

    Raises:
        BadInput: a folder is no study's.
    """
    studies = read_study_folder(first), read_study_folder(second)
    with known_here([one for study in studies for one in study.quantities]):
        found = compared(*studies)
        if table is not None:
            rows = found.both.sort_values(CANDIDATE)
            write_table(table, (list(rows.columns), rows.itertuples(index=False)))
        lines = [_cut(line) for line in study_names(found)]
        lines += ["what changed, from 1 to 2:", *(line for name, said in changes(found) for line in _entry(name, said))]
        lines += _table(found)
    return "\n".join(printable(line) for line in lines)


def study_names(found: Comparison) -> list[str]:
    """Return which two studies are compared, a line each."""
    return [f"{place}: {one.path} ({one.title})" for place, one in zip((1, 2), found.studies, strict=True)]


def changes(found: Comparison) -> list[tuple[str, list[str]]]:
    """Return what changed, from 1 to 2: (what, in words, a line or a few)."""
    entries = [("answer", _answer(found)), ("candidates", _candidates(found))]
    if len(found.both):
        shown = found.measured(each.column for each in found.changes)
        said = ((labels.title(each.column), _of_metric(each)) for each in found.changes if each.column in shown)
        entries += [("front", _front(found)), *said]
    keys = [f"{key}: {_value(left)} -> {_value(right)}" for key, left, right in found.keys]
    return [*entries, ("study file", keys or ["says the same"])]


def _answer(found: Comparison) -> list[str]:
    one, other = (each.name or "the unpruned network" for each in found.recommended)
    if any(each.outcome == "incomplete" for each in found.recommended):
        which = " and ".join(
            str(at) for at, each in zip((1, 2), found.recommended, strict=True) if each.outcome == "incomplete"
        )
        return [f"none yet in {which}: no pruned candidate of the longest budget has all its seeds"]
    return [f"the same: {one}"] if one == other else [f"another network: {one}", f"-> {other}"]


def _candidates(found: Comparison) -> list[str]:
    if not len(found.both):
        said = ["no candidate is complete in both"]
    else:
        count = "all" if found.same_trials == len(found.both) else str(found.same_trials)
        same = f", {count} of them of the very same trials" if found.same_trials else ""
        said = [f"{len(found.both)} complete in both{same}"]
    return said + [
        f"{len(names)} in {side} only: {_some(names)}" for side, names in zip((1, 2), found.alone, strict=True) if names
    ]


def _front(found: Comparison) -> list[str]:
    if not found.joined and not found.left:
        return [f"the same {found.stayed} of them"]
    moved = [("joined", found.joined), ("left", found.left)]
    return [f"{found.stayed} stayed", *(f"{len(names)} {word}: {_some(names)}" for word, names in moved if names)]


def _of_metric(change: Changed) -> list[str]:
    if not change.there:
        return ["not measured in both"]
    if not change.differ:
        return [f"the same in all {change.there}"]
    if change.worst is None:
        if not change.among:
            return [f"{change.differ} of {change.there} differ; whether by more than chance cannot be judged: too few seeds"]
        return [f"none of {change.among} differs by more than chance"]
    total = change.higher + change.lower
    said = f"{total} of {change.among} differ" + ("" if is_cost(change.column) else " by more than chance")
    said += f": {change.higher} higher, {change.lower} lower"
    most = "most" if is_cost(change.column) else "most, in standard errors"
    return [said, f"{most}: {labels.candidate(change.worst)}, {_pair(change.worst, change.column)}"]


def _table(found: Comparison) -> list[str]:
    if not len(found.both):
        return []
    names = found.measured(headlines())
    apart = pd.concat([found.both[f"{name}_difference"].fillna(0).ne(0) for name in names], axis=1).any(axis=1)
    if not apart.any():
        return []  # the lines above say it
    rows = rows_of(found.both[apart].head(_ROWS))
    cells = [tuple(_pair(row, name) + "*" * bool(getattr(row, f"{name}_changed")) for name in names) for row in rows]
    heads = tuple(labels.title(name) for name in names)
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    room = max(20, WIDTH - sum(2 + width for width in widths))
    called = [_cut(labels.candidate(row), room) for row in rows]
    more = int(apart.sum()) - len(rows)
    rest = [f"and {more} more that changed less clearly: --csv FILE or --page FILE has all"] if more else []
    return ["", *aligned([("", *heads), *((name, *line) for name, line in zip(called, cells, strict=True))]), *rest, _CHANCE]


def _pair(row: Any, name: str) -> str:
    left, right = (labels.number(getattr(row, f"{name}_{side}"), name) for side in (1, 2))
    return right if left == right else f"{left.removesuffix(' %')} -> {right}"


def _entry(name: str, said: Sequence[str]) -> list[str]:
    return [_cut(f"{'' if at else f'  {name}':<{_INDENT}}{line}") for at, line in enumerate(said)]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return "; ".join(names[:_NAMED]) + more


def _value(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 45 else f"{text[:44]}\u2026"


def _cut(line: str, width: int = WIDTH) -> str:
    return line if len(line) <= width else f"{line[: width - 1]}\u2026"
