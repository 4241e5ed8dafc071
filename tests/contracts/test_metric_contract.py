"""What every registered metric promises, plugins included."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from prune_core.base.errors import UnknownName
from prune_core.evaluation.logits import LogitSet
from prune_core.evaluation.scoring import record_columns
from prune_core.metrics import METRICS, CellPredictions, Metric, Predictions, file_metric
from prune_core.metrics.columns import (
    METRIC_COLUMNS,
    REPORT_COLUMNS,
    SELECTION_COLUMNS,
    TEXT_COLUMNS,
    TRAIN_COLUMNS,
    metric_columns,
)
from prune_core.metrics.directions import COST_DIRECTIONS, DIRECTIONS, direction_of, metric_of

NAMES = METRICS.names()


def inputs(metric: Metric, seed: int, order: Any = None) -> Any:
    draw = np.random.default_rng(seed)
    clean, labels = draw.normal(0, 2, (60, 4)), draw.integers(0, 4, 60)
    cells = {name: draw.normal(0, 2, (5, 60, 4)).astype(np.float16) for name in ("fog", "snow")}
    order = np.arange(60) if order is None else order
    if metric.on in ("images", "fit"):
        return Predictions(clean[order], labels[order])
    found = CellPredictions.from_logits({n: c[:, order] for n, c in cells.items()}, labels[order], 0.5)
    return found.severity(3) if metric.on == "severity" else found


@pytest.mark.parametrize("name", NAMES)
def test_value_lies_in_its_range_and_depends_on_no_order(name: str) -> None:
    metric = METRICS.get(name)
    for seed in range(5):
        value = metric.function(inputs(metric, seed), 15)
        again = metric.function(inputs(metric, seed, np.random.default_rng(seed).permutation(60)), 15)
        if isinstance(value, str):
            assert value == again
            continue
        assert again == pytest.approx(value, abs=1e-12)
        assert math.isfinite(value)
        assert metric.low is None or value >= metric.low
        assert metric.high is None or value <= metric.high


@pytest.mark.parametrize("name", NAMES)
def test_says_what_it_is(name: str) -> None:
    metric = METRICS.get(name)
    assert metric.name == name
    assert metric.title
    assert metric.unit
    assert metric.source
    assert metric.direction in ("max", "min", None)


@pytest.mark.parametrize("name", [n for n in NAMES if METRICS.get(n).direction and METRICS.get(n).on == "images"])
def test_a_perfect_network_is_not_worse_than_a_poor_one(name: str) -> None:
    metric = METRICS.get(name)
    labels = np.arange(60) % 4
    perfect = metric.function(Predictions(30 * np.eye(4)[labels], labels), 15)
    poor = metric.function(Predictions(3 * np.eye(4)[(labels + 1) % 4] + 0.1 * np.eye(4)[labels], labels), 15)
    assert isinstance(perfect, float)
    assert isinstance(poor, float)
    assert perfect > poor if metric.direction == "max" else perfect < poor


def test_columns_are_those_of_the_contract() -> None:
    clean = [
        "accuracy",
        "ece",
        "ece_mass",
        "ece_debiased",
        "nll",
        "brier",
        "mean_confidence",
        "temperature",
        "ece_t",
        "nll_t",
    ]
    severities = [f"{name}_s{severity}" for name in ("mpc", "corruption_ece") for severity in (1, 2, 3, 4, 5)]
    corrupted = ["mpc", "rpc", "corruption_ece", "worst_corruption", "worst_corruption_accuracy"]
    contract = clean + corrupted + severities
    assert sorted(REPORT_COLUMNS) == sorted(contract)
    assert sorted(TRAIN_COLUMNS) == ["train_accuracy", "train_nll"]
    assert sorted(SELECTION_COLUMNS) == sorted(f"val_{c}" for c in clean + corrupted)
    assert len(set(METRIC_COLUMNS)) == len(METRIC_COLUMNS)


def test_directions_cover_every_numeric_column_that_has_a_better_side() -> None:
    sideless = {"mean_confidence", "temperature", "worst_corruption"}
    for column in METRIC_COLUMNS:
        assert (column in DIRECTIONS) == (metric_of(column) not in sideless), column
    assert DIRECTIONS["val_accuracy"] == DIRECTIONS["mpc_s5"] == DIRECTIONS["train_accuracy"] == "max"
    assert DIRECTIONS["ece_t"] == DIRECTIONS["val_ece"] == DIRECTIONS["nonzero_macs"] == "min"
    assert set(COST_DIRECTIONS) <= set(DIRECTIONS)
    assert {column for column in METRIC_COLUMNS if metric_of(column) == "worst_corruption"} == set(TEXT_COLUMNS)
    with pytest.raises(UnknownName, match="val_accuracy"):
        direction_of("val_acuracy")


def test_a_metric_that_is_added_gets_its_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(METRICS, "_entries", dict(METRICS._entries))
    file_metric(
        Metric("surprise", "surprise", lambda p, bins: 0.25, "min", "1", 0.0, 1.0, "this test", after_temperature=True)
    )
    assert {"surprise", "surprise_t", "val_surprise", "val_surprise_t"} <= set(metric_columns())
    assert direction_of("val_surprise_t") == "min"
    draw = np.random.default_rng(0)
    judged = LogitSet(draw.integers(0, 3, 30), draw.normal(size=(30, 3)).astype(np.float32))
    assert record_columns(selection=judged, report=judged, train=None, bins=15)["val_surprise_t"] == 0.25
