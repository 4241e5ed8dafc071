"""A card of the decision: one network, its numbers, how sure its place is, its command, what would change the answer."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboards import labels
from dashboards.analysis.answers import Answer
from dashboards.analysis.claims import Paired
from dashboards.analysis.points import Points, rows_of
from dashboards.analysis.scale import Mark, mark
from dashboards.analysis.stored_size import control_row, stored_remark
from dashboards.analysis.turns import Turn, wins_when
from dashboards.reading.study_folder import StudyFolder
from prune_core.metrics.numbers import plain_number
from prune_core.metrics.quantities import direction_of
from sweeps.front.names import folder_name, title_of
from sweeps.study.deciding import deciding_column

COSTS = ("size_bytes", "macs", "nonzero_macs")
METRICS = ("accuracy", "ece", "mpc", "worst_corruption_accuracy")
"""What every card shows: what the network costs, and how good it is on the report images."""


@dataclass(frozen=True)
class Cell:
    """One number of a card.

    Attributes:
        column: the metric or cost.
        value: as it is printed.
        beside: what belongs to it, for example which corruption is the worst; empty without.
        difference: to the control, as it is printed; empty where there is none.
        interval: the 95 % interval of the difference; empty for costs, which are exact, and for one seed.
        side: "better" or "worse" by the sign of the mean, "" where neither; nothing is claimed by it.
        mark: where it stands on the scale that the cards share; None for costs.
    """

    column: str
    value: str
    beside: str
    difference: str
    interval: str
    side: str
    mark: Mark | None = None


@dataclass(frozen=True)
class Card:
    """One network of the decision.

    Attributes:
        role: why it is here: "Recommended", "Best calibrated", "Most robust".
        name: the candidate's.
        row: the candidate.
        cells: its numbers.
        sure: how sure its place on the front is, in words.
        command: what exports it.
        turns: what would change the answer.
        remarks: what must be known of it.
    """

    role: str
    name: str
    row: Any
    cells: tuple[Cell, ...]
    sure: str
    command: str
    turns: tuple[str, ...]
    remarks: tuple[str, ...]


def card_of(
    study: StudyFolder,
    points: Points,
    role: str,
    answer: Answer,
    differences: Mapping[str, Paired],
    scales: Mapping[str, tuple[float, float] | None],
    changed: Sequence[Turn],
) -> Card:
    """Return the card of one network.

    Args:
        study: the study.
        points: its candidates.
        role: why it is here.
        answer: what was found of it.
        differences: to its control, by metric.
        scales: what the cards share, by metric.
        changed: what would change the answer.
    """
    row: Any = answer.row
    control = _compared_with(points, row)
    cells = [_cost(row, control, name) for name in COSTS if not math.isnan(getattr(row, name, math.nan))]
    for name in METRICS:
        if not math.isnan(getattr(row, name, math.nan)):
            cells.append(_metric(study, row, name, differences.get(name), scales[name]))
    if role.startswith("Recommended"):
        said = tuple(one.sentence for one in changed)
    else:
        column = {"Best calibrated": "ece", "Most robust": "mpc"}.get(role.split(",")[0])
        words = (
            "" if column is None else wins_when(study, points, row, deciding_column(column, row._fields, study.select_on))
        )
        said = (words,) if words else ()
    remarks = (
        [] if points.recommended.outcome == "dense" and role.startswith("Recommended") else [stored_remark(points, row)]
    )
    command = f"prunefront export . --pick {folder_name(title_of(row._asdict()))}"
    return Card(
        role, labels.candidate(row), row, tuple(cells), _sure(points, row), command, said, tuple(filter(None, remarks))
    )


def _compared_with(points: Points, row: Any) -> Any | None:
    control = points.recommended.control
    if points.recommended.outcome == "dense" and row.Index == points.recommended.index and control is not None:
        return rows_of(points.table.iloc[[int(control["place"])]])[0]
    return control_row(points, row)


def _cost(row: Any, control: Any | None, name: str) -> Cell:
    value = float(getattr(row, name))
    shown = plain_number(value, name) if name == "size_bytes" else labels.number(value, name)
    if control is None or not getattr(control, name) > 0:
        return Cell(name, shown, "", "", "", "")
    full = float(getattr(control, name))
    share = 100 * (value / full - 1)
    difference = f"{share:+.0f} %" if abs(share) >= 0.5 or value == full else f"{share:+.2g} %"
    side = "" if value == full else "better" if value < full else "worse"
    return Cell(name, shown, "", "the same" if value == full else difference, "", side)


def _metric(study: StudyFolder, row: Any, name: str, one: Paired | None, scale: tuple[float, float] | None) -> Cell:
    value = labels.number(float(getattr(row, name)), name)
    beside = _worst(study, row) if name == "worst_corruption_accuracy" else ""
    if one is None or scale is None:
        return Cell(name, value, beside, "", "", "")
    difference, interval = one.words(name)
    side = "" if one.mean == 0 else "better" if (one.mean > 0) == (direction_of(name) == "max") else "worse"
    return Cell(name, value, beside, difference, interval, side, mark(one, scale))


def _worst(study: StudyFolder, row: Any) -> str:
    """Return which corruption is the worst, by most of the seeds."""
    records = study.records
    if "worst_corruption" not in records:
        return ""
    own = records[records["key"].astype(str).isin(row.keys.split(";")) & records["budget"].eq(row.budget)]
    found = Counter(str(name) for name in own["worst_corruption"].dropna())
    if not found:
        return ""
    name, count = min(found.items(), key=lambda one: (-one[1], one[0]))
    of = "" if len(found) == 1 else f" ({count} of {sum(found.values())} seeds)"
    return f"{name.replace('_', ' ')}{of}"


def _sure(points: Points, row: Any) -> str:
    """Return how sure a place on the front is, in words."""
    on = points.longest in row.front_at
    place = "On the front" if on else "Not on the front"
    epochs = labels.epochs(points.longest)
    if math.isnan(row.frequency):
        return f"{place} of {epochs} of fine-tuning; with one seed, how sure that is cannot be said."
    kept = f"in {100 * row.frequency:.0f} % of the draws of seeds and images it {'keeps its place' if on else 'is'}"
    return f"{place} of {epochs} of fine-tuning; {kept}."
