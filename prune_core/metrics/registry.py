"""What a metric is, and how metrics and costs are filed: one file each that calls `file_metric` or `file_cost`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from prune_core.base.errors import BadInput
from prune_core.base.registry import Registry
from prune_core.metrics.costs import COSTS, Cost
from prune_core.metrics.quantity import Direction, Format, Quantity, check_quantity, facts_of

__all__ = ["METRICS", "Metric", "file_cost", "file_metric"]


@dataclass(frozen=True)
class Metric:
    """One number that a network is judged by.

    Attributes:
        name: the record's column.
        title: what tables, axes and figures call it.
        function: called with the predictions and the number of bins; what the predictions are is said by ``on``.
        direction: which way is better; None where neither is (mean confidence, temperature), which then is no objective.
        unit: of the value, for example ``"fraction"`` or ``"nats"``.
        low: the smallest possible value, None where there is none.
        high: the largest possible value, None where there is none.
        source: where the definition comes from.
        on: ``"images"`` takes `Predictions`; ``"severity"`` takes `CellPredictions`, is called once per severity, and its
            overall value is the mean over severities; ``"cells"`` takes `CellPredictions` of all severities;
            ``"fit"`` takes `Predictions` and yields a parameter fitted on them.
        on_train: also computed on training images, as ``train_*``.
        after_temperature: also computed after temperature scaling, as ``*_t``.
        recorded: whether it has a column in the records; the others are there for tables and figures.
        format: how values and differences are printed (`prune_core.metrics.quantity.Format`); ``"text"`` for a name.
        decimals: digits behind the point; None is the format's own choice.
        group: what stands together where metrics are listed, for example ``"calibration"``.
        order: where it stands in tables, smaller first.
        log: whether its axis is logarithmic.
        table: whether the report's tables of the front and of differences have it, and its figure by ratio.
        headline: whether it is one of the few that every summary shows: the terminal's table, effects, claims.
        panel: whether the figure of the front has a panel of it, against accuracy.
        tracked: whether MLflow gets it at every budget, and cards of exported networks show it.
    """

    name: str
    title: str
    function: Callable[[Any, int], float | str]
    direction: Direction | None
    unit: str
    low: float | None
    high: float | None
    source: str
    on: Literal["images", "severity", "cells", "fit"] = "images"
    on_train: bool = False
    after_temperature: bool = False
    recorded: bool = True
    format: Format = "number"
    decimals: int | None = None
    group: str = "quality"
    order: int = 100
    log: bool = False
    table: bool = True
    headline: bool = True
    panel: bool = True
    tracked: bool = True

    @cached_property
    def facts(self) -> Quantity:
        """What readers need of it."""
        return facts_of(self)


METRICS: Registry[Metric] = Registry("metric")


def file_metric(metric: Metric) -> Metric:
    """Register the metric under its own name and return it.

    Raises:
        BadInput: its facts are not what they are said to be, or its name is taken.
    """
    _check_free(metric.facts)
    return METRICS.register(metric.name, sys._getframe(1).f_globals.get("__name__"))(metric)


def file_cost(cost: Cost) -> Cost:
    """Register the cost under its own name and return it.

    Raises:
        BadInput: its facts are not what they are said to be, or its name is taken.
    """
    _check_free(cost.facts)
    return COSTS.register(cost.name, sys._getframe(1).f_globals.get("__name__"))(cost)


def _check_free(facts: Quantity) -> None:
    check_quantity(facts)
    for other in [*(METRICS.get(name).facts for name in METRICS), *(COSTS.get(name).facts for name in COSTS)]:
        shared = set(facts.columns) & set(other.columns)
        if shared and (facts.name != other.name or facts.is_cost != other.is_cost):
            raise BadInput(f"{facts.name!r}: {other.name!r} has the column {min(shared)} already (allowed: another name)")
