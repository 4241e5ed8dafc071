"""A card of the decision: one network, its numbers, how sure its place is, its command, what would change the answer."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
from prune_core.metrics.numbers import plain_number, share_text
from prune_core.metrics.quantities import direction_of
from sweeps.front.front import POSSIBLE
from sweeps.front.names import folder_name, title_of
from sweeps.study.deciding import deciding_column

COSTS = ("size_bytes", "macs")
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
        side: "better" or "worse" where the interval leaves 0 out, "" elsewhere; of a cost, which side it is on.
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
    unpruned = points.recommended.outcome == "dense" and role.startswith("Recommended")
    against = "" if control is None else f"Its differences are to {labels.candidate(control)}."
    remarks = [against if unpruned else stored_remark(points, row)]
    command = f"prunefront export . --pick {folder_name(title_of(row._asdict()))}"
    return Card(
        role, labels.candidate(row), row, tuple(cells), place_words(points, row), command, said, tuple(filter(None, remarks))
    )


def _compared_with(points: Points, row: Any) -> Any | None:
    control = points.recommended.control
    if points.recommended.outcome == "dense" and row.Index == points.recommended.index and control is not None:
        return rows_of(points.table.iloc[[int(control["place"])]])[0]
    return control_row(points, row)


def _cost(row: Any, control: Any | None, name: str) -> Cell:
    value = float(getattr(row, name))
    shown = plain_number(value, name).replace(" bytes", " B") if name == "size_bytes" else labels.number(value, name)
    nonzero = float(getattr(row, "nonzero_macs", math.nan))
    beside = f"{labels.number(nonzero, 'macs')} nonzero" if name == "macs" and not math.isnan(nonzero) else ""
    if control is None or not getattr(control, name) > 0:
        return Cell(name, shown, beside, "", "", "")
    full = float(getattr(control, name))
    share = 100 * (value / full - 1)
    difference = f"{share:+.0f} %" if abs(share) >= 0.5 or value == full else f"{share:+.2g} %"
    side = "" if value == full else "better" if value < full else "worse"
    return Cell(name, shown, beside, "the same" if value == full else difference, "", side)


def _metric(study: StudyFolder, row: Any, name: str, one: Paired | None, scale: tuple[float, float] | None) -> Cell:
    value = labels.number(float(getattr(row, name)), name)
    beside = _worst(study, row) if name == "worst_corruption_accuracy" else ""
    if one is None or scale is None:
        return Cell(name, value, beside, "", "", "")
    difference, interval = one.words(name)
    apart = one.low > 0 or one.high < 0  # an interval that holds 0 gets no colour: nothing says which side it is on
    side = "" if not apart else "better" if (one.mean > 0) == (direction_of(name) == "max") else "worse"
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
    return f"accuracy, {name.replace('_', ' ')}{of}"


def place_words(points: Points, row: Any) -> str:
    """Return how sure a place on the front is, in words."""
    on = points.longest in row.front_at
    front = f"the front of {labels.epochs(points.longest)}"
    draws = "" if math.isnan(row.frequency) else f"in {share_text(row.frequency)} of the draws of seeds and images"
    if on:
        return f"On {front}; {f'{draws} it keeps its place' if draws else 'with one seed nobody can say how surely'}."
    rival = _better(points, row)
    why = (
        f", since {labels.candidate(rival)} is at least as good in {_listed(points.decisive)} and better in at least one"
        if rival is not None
        else ""
    )
    word = "yet" if row.frequency >= POSSIBLE else "and"
    return f"Not on {front}{why}{f'; {word} on it {draws}' if draws else ''}."


def _listed(columns: Iterable[str]) -> str:
    """Return the names of what decides: "accuracy, ECE and parameters"."""
    *first, last = [labels.title(column.removeprefix("val_")) for column in columns]
    return f"{', '.join(first)} and {last}" if first else last


def _better(points: Points, row: Any) -> Any | None:
    """Return a candidate that beats another in what decides: at least as good in everything, better in something."""
    signs = [1.0 if way == "min" else -1.0 for way in points.decisive.values()]
    own = [sign * float(getattr(row, name)) for sign, name in zip(signs, points.decisive, strict=True)]
    for other in rows_of(points.at_longest()):
        theirs = [sign * float(getattr(other, name)) for sign, name in zip(signs, points.decisive, strict=True)]
        if other.front and all(a <= b for a, b in zip(theirs, own, strict=True)) and theirs != own:
            return other
    return None
