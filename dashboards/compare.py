"""Two studies side by side: the candidates that both have, and how far the second is from the first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from dashboards import labels
from dashboards.points import candidate_points, rows_of
from dashboards.study_folder import StudyFolder, read_study_folder
from sweeps.pareto import CANDIDATE

METRICS = ("accuracy", "ece", "nll", "mpc", "nonzero_parameters")


def shared_candidates(first: StudyFolder, second: StudyFolder) -> pd.DataFrame:
    """Return the complete candidates that both studies have.

    Returns:
        The columns that identify a candidate, and for each metric its mean in either study (``accuracy_1``,
        ``accuracy_2``), the difference (``accuracy_difference``) and that difference in standard errors
        (``accuracy_errors``; NaN where the seeds give no standard error).
    """
    tables = []
    for study in (first, second):
        table = candidate_points(study).complete
        tables.append(table[[*CANDIDATE, "seeds", *METRICS, *(f"{name}_std" for name in METRICS)]])
    both = tables[0].merge(tables[1], on=CANDIDATE, suffixes=("_1", "_2"), validate="one_to_one")
    for name in METRICS:
        both[f"{name}_difference"] = both[f"{name}_2"] - both[f"{name}_1"]
        error = np.sqrt(both[f"{name}_std_1"] ** 2 / both["seeds_1"] + both[f"{name}_std_2"] ** 2 / both["seeds_2"])
        both[f"{name}_errors"] = both[f"{name}_difference"] / error.where(error > 0)
    return both


def compare_text(first: Path, second: Path) -> str:
    """Return the comparison of two output folders as text.

    Raises:
        BadInput: a folder is no study's.
    """
    studies = [read_study_folder(path) for path in (first, second)]
    both = shared_candidates(*studies)
    lines = [f"1: {first} ({studies[0].title})", f"2: {second} ({studies[1].title})"]
    lines += [f"   {name}: {left!r} in 1, {right!r} in 2" for name, left, right in differing_keys(*studies)]
    if not len(both):
        return "\n".join([*lines, "no candidate is complete in both"])
    lines.append(f"{len(both)} candidates are complete in both; 2 minus 1, in brackets the difference in standard errors")
    for row in rows_of(both):
        parts = [
            f"{labels.title(name)} {labels.number(getattr(row, f'{name}_difference'), name, sign=True)}{_errors(row, name)}"
            for name in METRICS[:4]
        ]
        lines.append(f"  {labels.candidate(row)}: {', '.join(parts)}")
    return "\n".join(lines)


def differing_keys(first: StudyFolder, second: StudyFolder) -> list[tuple[str, object, object]]:
    """Return the keys in which the study files differ, with both values; name, title and provenance aside."""
    known = sorted((set(first.plain) | set(second.plain)) - {"name", "title", "provenance"})
    pairs = [(key, first.plain.get(key), second.plain.get(key)) for key in known]
    return [(key, left, right) for key, left, right in pairs if left != right]


def _errors(row: object, name: str) -> str:
    value = float(getattr(row, f"{name}_errors"))
    return "" if np.isnan(value) else f" ({value:+.1f})"
