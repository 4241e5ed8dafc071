"""The facts of metrics and costs: checked when filed, the same after JSON, known only as long as their folder is read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from prune_core.base.errors import BadInput, UnknownName
from prune_core.metrics import COSTS, METRICS, Cost, Metric, Quantity, file_cost, file_metric
from prune_core.metrics.columns import metric_columns
from prune_core.metrics.quantities import direction_of, is_cost, known_here, quantities_known, quantity_of, title_of
from prune_core.metrics.quantity import quantity_from_plain

TOLD = Quantity(name="surprise", title="surprise", on="severity", direction="min", format="percent")


@pytest.fixture(autouse=True)
def registries(monkeypatch: pytest.MonkeyPatch) -> None:
    for registry in (METRICS, COSTS):
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))


def metric(**changes: Any) -> Metric:
    plain: dict[str, Any] = {"name": "surprise", "title": "surprise", "direction": "min", "unit": "1", "low": None}
    return Metric(**{**plain, "function": lambda p, bins: 0.5, "high": None, "source": "a test", **changes})


def test_a_metric_as_version_0_1_0_files_it_is_shown_everywhere() -> None:
    facts = file_metric(Metric("surprise", "surprise", lambda p, bins: 0.5, "min", "1", 0.0, 1.0, "a test")).facts
    assert facts.table and facts.headline and facts.panel and facts.tracked and not facts.is_cost
    assert quantities_known().index(facts) < [one.is_cost for one in quantities_known()].index(True)


@pytest.mark.parametrize("one", [*(METRICS.get(name) for name in METRICS), *(COSTS.get(name) for name in COSTS)])
def test_facts_are_the_same_after_json(one: Metric | Cost) -> None:
    assert quantity_from_plain(json.loads(json.dumps({**one.facts.to_plain(), "of a later version": 1}))) == one.facts


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Surprise"}, "lower-case"),
        ({"name": "sur-prise"}, "lower-case"),
        ({"name": ""}, "lower-case"),
        ({"name": "val_surprise"}, "taken"),
        ({"name": "delta_x"}, "taken"),
        ({"name": "x_std"}, "taken"),
        ({"name": "ratio"}, "taken"),
        ({"name": "ece_t"}, "'ece' has the column ece_t"),
        ({"name": "mpc_s3"}, "'mpc' has the column mpc_s3"),
        ({"name": "macs"}, "'macs' has the column macs"),
        ({"direction": "up"}, "max, min"),
        ({"format": "permille"}, "percent"),
        ({"on": "pixels"}, "cells"),
        ({"decimals": 99}, "0 to 12"),
        ({"order": "first"}, "whole number"),
        ({"table": "yes"}, "true or false"),
        ({"title": None}, "text"),
        ({"low": "0"}, "number"),
    ],
)
def test_what_cannot_be_a_metric_is_refused_with_one_line(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        file_metric(metric(**changes))
    assert "\n" not in str(caught.value)


def test_a_cost_takes_no_name_of_a_metric() -> None:
    with pytest.raises(BadInput, match="'ece' has the column ece "):
        file_cost(Cost(name="ece", title="ECE", function=lambda network: 1.0))


def test_what_a_folder_tells_of_is_known_while_it_is_read() -> None:
    columns = metric_columns()
    with known_here([TOLD]):
        assert set(metric_columns()) - set(columns) == {"surprise", "val_surprise", *(f"surprise_s{s}" for s in range(1, 6))}
        assert [column for column in metric_columns() if column in columns] == columns
        assert direction_of("val_surprise") == "min"
        assert quantity_of("delta_surprise_s3_std") == TOLD
    assert metric_columns() == columns
    assert quantity_of("surprise") is None
    with pytest.raises(UnknownName):
        direction_of("surprise")


def test_what_is_registered_wins_over_what_a_folder_says() -> None:
    lie = Quantity(name="accuracy", title="error", on="images", direction="min")
    with known_here([lie, Quantity(name="macs", title="x", on="cost", direction="max")]):
        assert direction_of("accuracy") == "max"
        assert title_of("macs") == "MACs"


def test_columns_are_called_by_what_they_hold() -> None:
    assert title_of("val_ece_t") == "ECE after temperature scaling"
    assert title_of("delta_mpc_s3") == "mPC"
    assert title_of("train_seconds") == "seconds of training"  # not the training images' seconds
    assert title_of("some_thing") == "some thing"
    assert is_cost("compression") and not is_cost("train_seconds") and not is_cost("accuracy")
