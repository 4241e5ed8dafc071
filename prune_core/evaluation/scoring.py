"""Kept logits in, the metric columns of a record out. No network, no GPU, no torch: what `prunefront rescore` calls."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from prune_core.base.benchmark import JPEG
from prune_core.base.own_code import own_code
from prune_core.evaluation.logits import LogitSet
from prune_core.metrics import METRICS, CellPredictions, Metric, Predictions, cross_fit, first_half, fit_temperature
from prune_core.metrics.robustness import mpc
from prune_core.metrics.selective import Selective, accepting_threshold, cells_at, selective_at

Value: TypeAlias = Any
"""A number, a name, or None where a user's own metric is not defined."""
Source = Literal["one half of the validation images", "two-fold cross-fit on the report images"]
"""How a temperature was fitted."""


@dataclass(frozen=True)
class Scaling:
    """Temperature scaling of one network.

    Attributes:
        temperature: the one fitted; the geometric mean of two where it was cross-fitted.
        report: the scaled report predictions, None without a report set.
        selection: the scaled second half of the validation images, which the fit has not seen; None without them.
        source: how it was fitted, to be said beside every number after scaling.
    """

    temperature: float
    report: Predictions | None
    selection: Predictions | None
    source: Source


def scale(*, selection: LogitSet | None, report: LogitSet | None) -> Scaling:
    """Fit on every second validation image of each class; without validation images cross-fit on the report images."""
    judged = report.predictions() if report is not None else None
    if selection is not None:
        validation = selection.predictions()
        half = first_half(validation.labels)
        rest = ~half if not half.all() else half
        temperature = fit_temperature(validation.subset(half))
        scaled = judged.scaled(temperature) if judged is not None else None
        held_out = validation.subset(rest).scaled(temperature)
        return Scaling(temperature, scaled, held_out, "one half of the validation images")
    if judged is None:
        raise ValueError("scale needs a selection or a report set")
    temperature, crossed = cross_fit(judged)
    return Scaling(temperature, crossed, None, "two-fold cross-fit on the report images")


def fitted_on(record: Mapping[str, object]) -> Source:
    """Return what a record's temperature was fitted on; it has ``val_*`` columns where there were validation images."""
    validated = _number(record.get("val_accuracy")) is not None
    return "one half of the validation images" if validated else "two-fold cross-fit on the report images"


def scaled_as_recorded(report: LogitSet, record: Mapping[str, object]) -> Scaling | None:
    """Return the scaled report predictions that a record's ``*_t`` columns were computed from, from its report logits.

    Args:
        report: the logits that the record was made of.
        record: its columns; ``temperature`` and whether there are ``val_*`` columns are read.

    Returns:
        The scaling; None where the record has no temperature (one of an older version): nothing was scaled.
    """
    temperature, source = _number(record.get("temperature")), fitted_on(record)
    if temperature is None or temperature <= 0:
        return None
    if source == "two-fold cross-fit on the report images":
        return scale(selection=None, report=report)
    return Scaling(temperature, report.predictions().scaled(temperature), None, source)


def _number(value: object) -> float | None:
    """Return a record's value as a float; None where it is missing (absent, None or NaN)."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def record_columns(
    *, selection: LogitSet | None, report: LogitSet | None, train: LogitSet | None, bins: int
) -> dict[str, Value]:
    """Return the metric columns of a record: report plain, selection ``val_*``, training images ``train_*``.

    Columns of a set that was not evaluated are left out, and so are those under corruption where it has no cells. All
    are floats but ``worst_corruption``, which is a name. ``temperature`` and ``*_t`` use one temperature, fitted on every
    second validation image of each class; ``val_*_t`` are computed on the other half. Without a selection set they are
    cross-fitted on the report images (`Scaling.source` says so).

    Args:
        selection: validation images, clean and under the extra corruptions.
        report: test images, clean and under the 15 corruptions.
        train: training images, clean.
        bins: of every ECE.

    Raises:
        BadInput: bins is no positive integer, or the sets do not fit.
        Diverged: a logit is not finite.
    """
    scaling = scale(selection=selection, report=report) if selection is not None or report is not None else None
    columns: dict[str, Value] = {}
    if report is not None and scaling is not None and scaling.report is not None:
        columns |= _set_columns(report, scaling.report, scaling.temperature, bins, severities=True)
    if train is not None:
        columns |= _train_columns(train.predictions(), bins)
    if selection is not None and scaling is not None and scaling.selection is not None:
        chosen = _set_columns(selection, scaling.selection, scaling.temperature, bins, severities=False)
        columns |= {f"val_{name}": value for name, value in chosen.items()}
    return columns


def selective_by_severity(*, selection: LogitSet, report: LogitSet, accepted_error: float) -> dict[int, Selective]:
    """Return what gets past a confidence threshold on the report images: 0 is clean, 1 to 5 the severities, each pooled.

    The threshold is the lowest one at which the clean validation images accepted err at most at ``accepted_error``.

    Raises:
        BadInput: the rate lies outside [0, 1).
        Diverged: a logit is not finite.
    """
    validation, clean, cells = selection.predictions(), report.predictions(), report.averaged_predictions()
    threshold = accepting_threshold(validation.confidence, validation.correct, accepted_error)
    found = {0: selective_at(clean.confidence, clean.correct, threshold)}
    return found if cells is None else found | cells_at(cells, threshold)


def set_columns(report: LogitSet | None, called: str | None, *, jpeg: bool) -> dict[str, Value]:
    """Return `SET_COLUMNS`: what the corrupted report images are called, and mPC without a corruption that they came with.

    Empty where no corrupted images were judged; ``mpc_without_jpeg`` only for images that had been JPEG re-encoded.
    """
    cells = report.averaged_predictions() if report is not None else None
    if cells is None or called is None:
        return {}
    columns: dict[str, Value] = {"corruption_set": called}
    if jpeg and JPEG in cells.corruptions and len(cells.corruptions) > 1:
        columns["mpc_without_jpeg"] = mpc(cells.without(JPEG))
    return columns


def _set_columns(
    logits: LogitSet, scaled: Predictions, temperature: float, bins: int, *, severities: bool
) -> dict[str, Value]:
    clean, cells = logits.predictions(), logits.averaged_predictions()
    columns: dict[str, Value] = {}
    for metric in _recorded():
        if metric.on == "images":
            columns[metric.name] = metric_value(metric, clean, bins)
        elif metric.on == "fit":
            columns[metric.name] = temperature
        elif cells is not None:
            columns |= _corruption_columns(metric, cells, bins, severities=severities)
        if metric.after_temperature:
            columns[f"{metric.name}_t"] = metric_value(metric, scaled, bins)
    return columns


def _corruption_columns(metric: Metric, cells: CellPredictions, bins: int, *, severities: bool) -> dict[str, Value]:
    if metric.on == "cells":
        return {metric.name: metric_value(metric, cells, bins)}
    each = [metric_value(metric, cells.severity(severity), bins) for severity in cells.severities]
    known = [float(value) for value in each if value is not None]
    columns: dict[str, Value] = {metric.name: sum(known) / len(known) if len(known) == len(each) else None}
    if severities:
        columns |= {f"{metric.name}_s{severity}": value for severity, value in zip(cells.severities, each, strict=True)}
    return columns


def _train_columns(train: Predictions, bins: int) -> dict[str, Value]:
    return {f"train_{metric.name}": metric_value(metric, train, bins) for metric in _recorded() if metric.on_train}


def metric_value(metric: Metric, predictions: Predictions | CellPredictions, bins: int) -> Value:
    """Return what a metric's function returns; None where a user's own one says NaN or infinity: it is not defined there.

    Raises:
        BadInput: the function of a user's own metric fails, or returns something that is no number.
    """
    module = METRICS.module(metric.name)
    if module is None:
        return metric.function(predictions, bins)
    with own_code(f"metric {metric.name}", module):
        value = metric.function(predictions, bins)
        if metric.facts.is_text and isinstance(value, str):
            return value
        number = float(value)
    return number if math.isfinite(number) else None


def _recorded() -> list[Metric]:
    return [METRICS.get(name) for name in METRICS if METRICS.get(name).recorded]
