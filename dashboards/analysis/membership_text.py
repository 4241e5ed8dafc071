"""How often places on the front are kept when drawn again, in sentences, and who else is on it then."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from dashboards import labels
from dashboards.analysis.claims import paired
from dashboards.analysis.per_seed import seed_measured
from dashboards.analysis.points import Points, rows_of
from dashboards.reading.study_folder import StudyFolder
from prune_core.base.kinds import REFERENCES
from prune_core.metrics.numbers import share_text
from prune_core.metrics.quantities import is_cost
from sweeps.front.collapse import COLLAPSED, has_collapsed
from sweeps.front.front import POSSIBLE, SURE

ALIKE_COST = 0.05
"""Costs that differ by less than this share count as equal."""


def frequency_sentences(study: StudyFolder, points: Points) -> list[str]:
    """Return sentences about the front of the longest budget; none where there is no frequency (one seed)."""
    table = points.at_longest()
    known = table[table["frequency"].notna()]
    front = known[known["front"]]
    if not len(front):
        return []
    sure = int((front["frequency"] >= SURE).sum())
    members = f"{len(front)} member{'s' if len(front) != 1 else ''} of the front, pruned or not"
    said = [
        f"Of {members}, {sure} {'keeps its place' if sure == 1 else 'keep their places'} in at least {percent(SURE)} of the "
        f"draws{_doubtful(front[front['frequency'] < 0.5])}."
    ]
    may = known[~known["front"] & (known["frequency"] >= POSSIBLE)].sort_values("frequency", ascending=False)
    if len(may):
        said.append(f"Not on the front, yet on it in {percent(POSSIBLE)} of the draws or more: {_with_frequency(may)}.")
    alike = alike_pairs(study, known[known["front"] | (known["frequency"] >= POSSIBLE)], points)
    if alike:
        pairs = "; ".join(f"{labels.candidate(one)} from {labels.candidate(other)}" for one, other in alike[:6])
        more = f"; and {len(alike) - 6} more pairs" if len(alike) > 6 else ""
        decides = ", ".join(labels.title(name).removesuffix(" (selection images)") for name in metrics_of(points))
        said.append(
            f"Of equal cost (within {percent(ALIKE_COST)}), not told apart by the 95 % intervals of their differences in "
            f"{decides}: {pairs}{more}."
        )
    lost = front[has_collapsed(front, study.select_on)]
    if len(lost):
        said.append(_collapsed(lost, len(front)))
    return said


def alike_pairs(study: StudyFolder, table: pd.DataFrame, points: Points) -> list[tuple[Any, Any]]:
    """Return the pairs of equal cost, one of them on the front, whose differences have intervals that hold 0.

    In every deciding metric, by seeds and images. It describes and claims nothing of the other pairs: these are 95 %
    intervals of single differences, which the report's level is not divided among.
    """
    metrics = metrics_of(points)
    costs = [name for name in points.decisive if is_cost(name)]
    rows = rows_of(table)
    if not metrics or not costs or len(rows) < 2:
        return []
    values, noise = seed_measured(study, table, metrics)
    size = np.log(table[costs[0]].to_numpy(dtype=float))
    result = []
    for one in range(len(rows)):
        for other in range(one + 1, len(rows)):
            same = rows[one].method in REFERENCES and rows[other].method in REFERENCES
            if same or not (rows[one].front or rows[other].front) or not abs(size[one] - size[other]) < np.log1p(ALIKE_COST):
                continue
            found = [
                paired(values[one, :, m] - values[other, :, m], noise[one, :, m] - noise[other, :, m])
                for m in range(len(metrics))
            ]
            if all(gap is None or np.isnan(gap.half) or gap.low <= 0 <= gap.high for gap in found):
                result.append((rows[one], rows[other]))
    return result


def metrics_of(points: Points) -> list[str]:
    """Return what decides, costs aside."""
    return [name for name in points.decisive if not is_cost(name)]


def _collapsed(lost: pd.DataFrame, members: int) -> str:
    """Say how many members collapsed, and how many of these have a lower ECE all the same."""
    count, many = len(lost), len(lost) != 1
    said = (
        f"{count} of the {members} members {'have' if many else 'has'} collapsed: more than {100 * COLLAPSED:g} points of "
        f"accuracy below {'their' if many else 'its'} control"
    )
    lower = int(lost["delta_ece"].lt(0).sum()) if "delta_ece" in lost else 0
    if not lower:
        return f"{said}."
    whose = f"{lower} of them {'have' if lower != 1 else 'has'}" if many else "it has"
    return f"{said}; {whose} a lower ECE than the control, which is no gain at such an accuracy."


def percent(share: float) -> str:
    """Return a share as a whole number of percent."""
    return share_text(share)


def _doubtful(rows: pd.DataFrame) -> str:
    return f"; in fewer than half of them: {_with_frequency(rows.sort_values('frequency'))}" if len(rows) else ""


def _with_frequency(rows: pd.DataFrame) -> str:
    shown = [f"{labels.candidate(row)} ({percent(row.frequency)})" for row in rows_of(rows.head(6))]
    return "; ".join(shown) + (f"; and {len(rows) - 6} more" if len(rows) > 6 else "")
