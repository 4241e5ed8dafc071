"""The names that plugins and scripts of users import."""

from __future__ import annotations

import importlib

import pytest

PUBLIC = [
    ("prune_core", "BadInput build_network calibration_error complexity corrupt load_weights prune"),
    ("prune_core.networks", "NETWORKS"),
    ("prune_core.pruning.method", "METHODS ChannelOptions Method"),
    ("prune_core.pruning", "METHODS ChannelOptions Method ScoreContext WeightOptions load_network save_network"),
    ("prune_core.data", "DATASETS Arrays Dataset Request Size Source"),
    ("prune_core.corruptions", "CORRUPTIONS corruption"),
    ("prune_core.metrics", "METRICS COSTS Cost Metric file_cost file_metric"),
    ("sweeps.search", "SAMPLERS STOPPING_RULES"),
]


@pytest.mark.parametrize("module, name", [(module, name) for module, names in PUBLIC for name in names.split()])
def test_a_public_name_can_be_imported(module: str, name: str) -> None:
    assert getattr(importlib.import_module(module), name) is not None


def test_complexity_is_a_function_and_a_module() -> None:
    import prune_core
    import prune_core.complexity as module

    assert callable(prune_core.complexity)
    assert callable(module) and callable(importlib.import_module("prune_core.complexity").complexity)


def test_both_rooms_know_the_same_registry() -> None:
    from prune_core.pruning import METHODS
    from prune_core.pruning.method import METHODS as SAME

    assert METHODS is SAME and "l1_filter" in METHODS
