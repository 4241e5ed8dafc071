"""What could have been the answer just as well: candidates that the seeds do not tell apart from the chosen one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dashboards import labels
from dashboards.analysis.claims import Paired, claims, level_words, paired_family
from dashboards.analysis.per_seed import DELTA, candidate_differences, seed_measured
from dashboards.analysis.points import rows_of
from dashboards.reading.study_folder import StudyFolder
from prune_core.metrics.quantities import is_cost
from sweeps.front.demands import MARGIN
from sweeps.study.values import Limit

SHOWN = 4
"""Rivals that are named; the others are counted."""


def not_told_apart(study: StudyFolder, table: pd.DataFrame, chosen: Any, column: str) -> list[Any]:
    """Return the candidates whose difference to the chosen one, paired by seed, is none that can be claimed; nearest first.

    The chosen one is at one end of all, so it stands for every pair: the correction is over all pairs (Tukey's question).
    Seeds too few to decide tell nobody apart.
    """
    values, noise = seed_measured(study, table, [column])
    at = table.index.get_loc(chosen.Index)
    others = [row for row in range(len(values)) if row != at]
    gaps = paired_family(values[others, :, 0] - values[at, :, 0], noise[others, :, 0] - noise[at, :, 0])
    # Of the C (C - 1) / 2 pairs those with the chosen one; two answers ask it.
    told = claims(gaps, place="rivals", among=len(values))
    rows = rows_of(table)
    alike = [
        (np.inf if one is None else abs(one.mean), row)
        for row, one, sure in zip(others, gaps, told, strict=True)
        if not sure
    ]
    return [rows[row] for _, row in sorted(alike, key=lambda one: one[0])]


@dataclass(frozen=True)
class Near:
    """A candidate that misses a demand by little.

    Attributes:
        row: the candidate.
        missed: the demands that its means miss, each with what the seeds and images say of the number.
    """

    row: Any
    missed: tuple[tuple[Limit, Paired], ...]

    @property
    def words(self) -> str:
        """Its name, and beside it each number that misses with its 95 % interval."""
        found = []
        for demand, one in self.missed:
            shown, interval = level_words(one, demand.column)
            found.append(" ".join(filter(None, (labels.title(demand.column), shown, interval))))
        return f"{labels.candidate(self.row)} ({'; '.join(found)})"


def nearly_meets(study: StudyFolder, row: Any, demands: Sequence[Limit]) -> Near | None:
    """Return a candidate that misses demands by little and perhaps by chance; None for any other.

    Its mean misses each by no more than the margin of that metric, and some part of its 95 % interval meets it. So a network
    that is far off is never offered for being noisy. A cost is what it is: it meets a demand or does not.
    """
    missed = []
    for one, demand in _measured(study, row, demands):
        value = float(getattr(row, demand.column, np.nan))
        if demand.holds(value):
            continue
        if is_cost(demand.column) or one is None or not demand.excess(value) <= margin_of(study, demand.column):
            return None
        if not (demand.holds(one.low) or demand.holds(one.high)):  # one seed has no interval: it tells no chance
            return None
        missed.append((demand, one))
    return Near(row, tuple(missed)) if missed else None


def margin_of(study: StudyFolder, column: str) -> float:
    """Return how far beyond a demand a mean may be and still be called near: the study's margin of it, else `MARGIN`."""
    metric = column.removeprefix(DELTA).removeprefix("val_")
    return study.margins.get(metric, study.margins.get(f"val_{metric}", MARGIN))


def candidate_names(rows: Sequence[Any]) -> str:
    """Return candidates' names, the later ones counted."""
    names = "; ".join(labels.candidate(row) for row in rows[:SHOWN])
    return f"{names}; and {len(rows) - SHOWN} more" if len(rows) > SHOWN else names


def _measured(study: StudyFolder, row: Any, demands: Sequence[Limit]) -> list[tuple[Paired | None, Limit]]:
    chosen = pd.DataFrame([row._asdict()])
    (found,) = candidate_differences(study, chosen, [demand.column for demand in demands])
    return list(zip(found, demands, strict=True))
