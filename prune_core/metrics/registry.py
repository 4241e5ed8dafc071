"""What a metric is, and the registry of them: adding one is one file that calls `file_metric`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from prune_core.base.registry import Registry

Direction = Literal["max", "min"]
"""Which way a column is better: larger or smaller."""


@dataclass(frozen=True)
class Metric:
    """One number that a network is judged by.

    Attributes:
        name: the record's column.
        title: what tables and figures call it.
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


METRICS: Registry[Metric] = Registry("metric")


def file_metric(metric: Metric) -> Metric:
    """Register the metric under its own name and return it."""
    return METRICS.register(metric.name)(metric)
