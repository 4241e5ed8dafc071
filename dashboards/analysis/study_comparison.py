"""Two studies side by side: the candidates that both have, and how far the second is from the first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dashboards import labels
from dashboards.analysis.columns import compared_columns, headline_costs
from dashboards.analysis.csv_tables import write_table
from dashboards.analysis.points import candidate_points, rows_of
from dashboards.reading.study_folder import StudyFolder, read_study_folder
from prune_core.base.plain_text import printable
from prune_core.metrics.quantities import known_here
from sweeps.front.front import CANDIDATE
from sweeps.one_network.text import aligned


def _columns() -> list[str]:
    return [*compared_columns(), *headline_costs()]


def shared_candidates(first: StudyFolder, second: StudyFolder) -> pd.DataFrame:
    """Return the complete candidates that both studies have.

    Returns:
        The columns that identify a candidate, and for each metric its mean in either study (``accuracy_1``,
        ``accuracy_2``), the difference (``accuracy_difference``) and that difference in standard errors
        (``accuracy_errors``; NaN where the seeds give no standard error).
    """
    names, tables = _columns(), []
    for study in (first, second):
        table = candidate_points(study).complete
        tables.append(table[[*CANDIDATE, "seeds", *names, *(f"{name}_std" for name in names)]])
    both = tables[0].merge(tables[1], on=CANDIDATE, suffixes=("_1", "_2"), validate="one_to_one")
    for name in names:
        both[f"{name}_difference"] = both[f"{name}_2"] - both[f"{name}_1"]
        error = np.sqrt(both[f"{name}_std_1"] ** 2 / both["seeds_1"] + both[f"{name}_std_2"] ** 2 / both["seeds_2"])
        both[f"{name}_errors"] = both[f"{name}_difference"] / error.where(error > 0)
    return both


def compare_text(first: Path, second: Path, table: Path | None = None) -> str:
    """Return the comparison of two output folders as text.

    Args:
        first: an output folder.
        second: another.
        table: also write the candidates that both have to this CSV file, numbers unrounded.

    Raises:
        BadInput: a folder is no study's.
    """
    studies = [read_study_folder(path) for path in (first, second)]
    with known_here([one for study in studies for one in study.quantities]):
        return _compare_text((first, second), studies, table)


def _compare_text(paths: tuple[Path, Path], studies: Sequence[StudyFolder], table: Path | None) -> str:
    both = shared_candidates(*studies)
    if table is not None:
        write_table(table, (list(both.columns), both.itertuples(index=False)))
    lines = [f"{place}: {path} ({one.title})" for place, path, one in zip((1, 2), paths, studies, strict=True)]
    lines += [f"   {name}: {left!r} in 1, {right!r} in 2" for name, left, right in differing_keys(*studies)]
    if len(both):
        lines += [
            f"{len(both)} candidates are complete in both: 1 -> 2, and in brackets by how many standard errors they differ",
            *aligned([("", *map(labels.title, _columns())), *map(_row, rows_of(both))]),
        ]
    else:
        lines.append("no candidate is complete in both")
    return "\n".join(printable(line) for line in lines)


def _row(row: Any) -> tuple[str, ...]:
    return (labels.candidate(row), *(_pair(row, name) for name in _columns()))


def _pair(row: Any, name: str) -> str:
    left, right = (labels.number(getattr(row, f"{name}_{side}"), name) for side in (1, 2))
    errors = float(getattr(row, f"{name}_errors"))
    return f"{left.removesuffix(' %')} -> {right}" + ("" if np.isnan(errors) else f" ({errors:+.1f})")


def differing_keys(first: StudyFolder, second: StudyFolder) -> list[tuple[str, object, object]]:
    """Return the keys in which the study files differ, with both values; name, title and provenance aside."""
    known = sorted((set(first.plain) | set(second.plain)) - {"name", "title", "provenance"})
    pairs = [(key, first.plain.get(key), second.plain.get(key)) for key in known]
    return [(key, left, right) for key, left, right in pairs if left != right]
