"""What MLflow is told about one trial: plain data, no MLflow import."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from prune_core.base.description import content_key
from prune_core.metrics.costs import COSTS
from prune_core.metrics.quantities import quantities_known
from prune_core.metrics.registry import METRICS

RUN_STATUS = {"complete": "FINISHED", "failed": "FAILED", "diverged": "FAILED", "stopped": "KILLED"}
"""Our status of a trial -> MLflow's status of its run; our own word is the tag ``prunefront.status``."""

Point = tuple[str, int, float]
"""(metric name, step = budget in epochs, value)."""
Held = Mapping[tuple[str, int], tuple[float, int]]
"""What a run holds: (metric name, step) -> the last value, and its time in milliseconds."""


def newer_points(points: Iterable[Point], held: Held, now: int, entry: TrialEntry | None = None) -> dict[Point, int]:
    """Return the points that a run does not hold already, each with its time in milliseconds.

    A number that changed is later than the one that it takes the place of: of two at one time and step MLflow takes the
    larger one for the last, and cannot copy them to a model. A place on the front that is no more becomes 0: MLflow keeps
    what it was told, and a filter on it would find networks that are not there any more.

    Args:
        points: what the run is to hold.
        held: what it holds.
        now: when the trial ended, in milliseconds.
        entry: the trial, which says where it is on the front; None where the study does not have it any more.
    """
    nothing = (None, now - 1)
    points = list(points)
    told = {point[:2] for point in points}
    left = [
        (name, step, 0.0)
        for name, step in held
        if name == FREQUENCY and (name, step) not in told and (entry is None or entry.left_front(step))
    ]
    news = {point: held.get(point[:2], nothing) for point in (*points, *left)}
    return {point: max(now, at + 1) for point, (value, at) in news.items() if value != point[2]}


def budget_metrics() -> list[str]:
    """Return the columns logged at every budget, which is the metric's step. Few on purpose: a page of many keys freezes.

    Every tracked metric, scaled where it is a headline, and the selection numbers of those in the report's table and of
    those about robustness.
    """
    tracked = [one for one in quantities_known() if one.tracked and not one.is_cost and not one.is_text]
    found = []
    for one in tracked:
        found += [one.name, *([f"{one.name}_t"] if one.after_temperature and one.headline else [])]
    return [*found, *(f"val_{one.name}" for one in tracked if one.table or one.group == "robustness")]


def final_metrics() -> list[str]:
    """Return the columns logged once, at the longest budget: costs, and the headline metrics' differences to the control."""
    known = [one for one in quantities_known() if one.tracked and one.recorded and not one.is_text]
    costs = [one for one in known if one.is_cost]
    return [
        *(one.name for one in costs if one.repeatable),
        *(f"delta_{one.name}" for one in known if one.headline and not one.is_cost),
        *(one.name for one in costs if not one.repeatable),
    ]


@lru_cache(maxsize=16)
def _sent(also: tuple[str, ...], *known: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Return the columns sent at every budget and those sent once; anew where other metrics or costs are known."""
    each, once = budget_metrics(), final_metrics()
    return [*each, *(name for name in also if name not in {*each, *once})], once


CURVE_METRICS = {"loss": "epoch_loss", "accuracy": "epoch_accuracy", "learning_rate": "epoch_learning_rate"}
"""Columns of a trial's curve -> metrics whose step is the epoch of its own training, from 1."""
ON_FRONT, FREQUENCY = "prunefront.on_front", "front_frequency"
"""The tag, ``true`` or ``false`` (at the longest budget), and the metric of a candidate's place, per budget.

Both are given once a sweep ended, or was interrupted, with the tables."""


@dataclass(frozen=True)
class Images:
    """The images of a trial, as MLflow lists them among a run's inputs.

    Attributes:
        name: of the dataset.
        digest: of the arrays.
        source: where they come from, as the study says; no secrets.
        profile: how many there are, in plain data.
    """

    name: str
    digest: str
    source: str
    profile: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class TrialEntry:
    """One trial as it shall stand in MLflow.

    Attributes:
        key: the trial's key; the tag ``prunefront.key``, by which a run is found again.
        name: the run's name, for example ``vgg16-l1_filter-r0.50-s1``.
        params: few flat parameters that follow from the key. MLflow never lets a parameter change, so nothing that
            may grow (the list of budgets) belongs here.
        status: ``complete``, ``stopped``, ``failed`` or ``diverged``.
        cause: one line why it is not complete.
        metrics: columns of the records by budget; only `budget_metrics`, `final_metrics` and what the tracker was
            asked for besides are sent, and never a number that is not finite.
        tags: further tags of this run.
        artifacts: files to store with the run.
        corruptions: by budget, what `prune_core.evaluation.corruption_table` says (CSV): joined and stored as one table.
        curve: epochs of its training, as `prune_core.training.curve.read_curve` returns them.
        images: what it was trained and judged on.
        places: by budget, how often the candidate is on the front; only those that are on it.
        started: seconds since the epoch, if known.
        ended: seconds since the epoch, if known.
    """

    key: str
    name: str
    params: Mapping[str, object] = field(default_factory=dict)
    status: str = "complete"
    cause: str | None = None
    metrics: Mapping[int, Mapping[str, object]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    artifacts: Sequence[Path] = ()
    corruptions: Mapping[int, str] = field(default_factory=dict)
    curve: Sequence[Mapping[str, Any]] = ()
    images: Images | None = None
    places: Mapping[int, float] = field(default_factory=dict)
    started: float | None = None
    ended: float | None = None

    def points(self, also: Sequence[str] = ()) -> list[Point]:
        """Return every metric point that is sent: finite, from the two lists and ``also``, in a fixed order.

        What is one number for the whole trial has step 0, so that MLflow draws a bar and no line of one dot.
        """
        steps = sorted(self.metrics)
        per_budget, once = _sent(tuple(also), tuple(METRICS), tuple(COSTS))
        found = [(name, step, self.metrics[step].get(name)) for step in steps for name in per_budget]
        if steps:
            found += [(name, 0, self.metrics[steps[-1]].get(name)) for name in once]
        found += [(FREQUENCY, budget, often) for budget, often in sorted(self.places.items())]
        found += [(name, row["epoch"], row.get(column)) for column, name in CURVE_METRICS.items() for row in self.curve]
        return [(name, step, number) for name, step, value in found if (number := finite(value)) is not None]

    def left_front(self, budget: int) -> bool:
        """Whether a place that it had at a budget is lost, and not only its frequency unknown, or the budget gone."""
        return budget not in self.places and (budget in self.metrics or not self.places)

    def digest(self, also: Sequence[str] = (), points: Sequence[Point] | None = None) -> str:
        """Return a key of all that would be sent: a run that carries it is up to date.

        Args:
            also: as for `points`.
            points: what `points` returned, where it is at hand.
        """
        points = self.points(also) if points is None else points
        return content_key(
            {
                "name": self.name,
                "params": {name: str(value) for name, value in self.params.items()},
                "status": self.status,
                "cause": self.cause,
                "points": [list(point) for point in points],
                "tags": dict(self.tags),
                "artifacts": [[path.name, path.stat().st_size if path.is_file() else 0] for path in self.artifacts],
                "corruptions": self.corruption_table(),
                "images": None if self.images is None else [self.images.name, self.images.digest],
            }
        )

    def corruption_table(self) -> str:
        """Return the corruption matrix as CSV: one row per budget and corruption, a column per severity; empty without."""
        lines: list[str] = []
        for budget, table in sorted(self.corruptions.items()):
            head, *rows = table.splitlines()
            lines += [f"budget,{head}"] if not lines else []
            lines += [f"{budget},{row}" for row in rows]
        return "\n".join(lines) + "\n" if lines else ""


def outgrown(entry: TrialEntry, points: Iterable[Point], held: Held) -> list[tuple[str, int]]:
    """Return what a run holds at budgets that its trial does not have any more: (metric name, step).

    The study took a budget away; what is at the last step is what tables and filters of MLflow show. So is how often a
    candidate is on the front where nobody can tell any more, of one seed.

    Args:
        entry: the trial; nothing where it has no records.
        points: what it is to hold.
        held: what it holds.
    """
    once = {*final_metrics(), *CURVE_METRICS.values()}
    each = {FREQUENCY, *budget_metrics(), *(name for name, _, _ in points)} - once
    gone = [(name, step) for name, step in held if entry.metrics and name in each and step not in entry.metrics]
    unknown = {(FREQUENCY, budget) for budget, often in entry.places.items() if finite(often) is None}
    return [*gone, *(unknown & set(held))]


def finite(value: object) -> float | None:
    """Return the value as a finite float, or None: MLflow's page of a run breaks on one NaN."""
    if value is None or isinstance(value, str | bytes):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]  # NumPy scalars have no common type with float
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
