"""What every registered cost promises, plugins included, against counts by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import nn

from prune_core.base.errors import BadInput, Diverged
from prune_core.cost.measured import MeasuredNetwork, cost_columns
from prune_core.metrics import COSTS, Cost, file_cost
from prune_core.networks import build_network
from prune_core.pruning import prune
from sweeps.records.columns import cost_columns as recorded
from sweeps.records.columns import record_columns, seconds_columns


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(COSTS, "_entries", dict(COSTS._entries))


def network() -> nn.Module:
    return build_network("small_vgg", width=2, in_channels=1)


def test_columns_are_those_of_the_contract_in_their_order() -> None:
    assert recorded() == [
        "parameters",
        "nonzero_parameters",
        "macs",
        "nonzero_macs",
        "sparsity",
        "compression",
        "size_bytes",
    ]
    assert seconds_columns() == ["train_seconds", "evaluate_seconds"]


@pytest.mark.parametrize("name", COSTS.names())
def test_says_what_it_is_and_lies_in_its_range(name: str) -> None:
    cost = COSTS.get(name)
    assert cost.name == name
    assert cost.title and cost.unit and cost.source and cost.group
    for ratio in ("0.5", "0.9"):
        pruned = prune(network(), "unstructured", ratio)
        value = cost_columns(MeasuredNetwork(pruned, (1, 16, 16), 500, train_seconds=2.0, evaluate_seconds=1.0))[name]
        assert (cost.low is None or value >= cost.low) and (cost.high is None or value <= cost.high)


def test_counts_by_hand() -> None:
    dense = network()
    weights = 2 * 9 + 4 * 2 * 9 + 8 * 4 * 9
    whole = weights + 2 * (2 + 4 + 8) + 8 * 10 + 10
    found = cost_columns(MeasuredNetwork(prune(dense, "unstructured", "0.5"), (1, 16, 16), whole))
    assert found["parameters"] == whole
    assert found["sparsity"] == pytest.approx((weights // 2) / weights)
    assert found["compression"] == pytest.approx(whole / (whole - weights // 2))
    assert "train_seconds" not in found  # nobody knows


def test_a_cost_that_is_added_gets_its_column_behind_ours() -> None:
    file_cost(Cost(name="filters", title="filters", function=lambda measured: cast("Any", torch.tensor(14)), format="count"))
    names = record_columns()
    assert names.index("filters") == names.index("size_bytes") + 1
    assert cost_columns(MeasuredNetwork(network(), (1, 16, 16), 1))["filters"] == 14.0


@pytest.mark.parametrize(
    ("value", "error"), [("many", BadInput), (torch.ones(2), BadInput), (float("nan"), Diverged), (float("inf"), Diverged)]
)
def test_what_is_no_number_is_refused(value: object, error: type[Exception]) -> None:
    file_cost(Cost(name="odd", title="odd", function=lambda measured: value))  # type: ignore[arg-type,return-value]
    with pytest.raises(error, match="odd"):
        cost_columns(MeasuredNetwork(network(), (1, 16, 16), 1))


@pytest.mark.parametrize(
    ("room", "call", "column"),
    [
        ("metrics", "file_metric(Metric('dropped', 'dropped', lambda p, b: 0.0, 'min', '1', 0.0, 1.0, 'x'))", "val_dropped"),
        ("cost/costs", "file_cost(Cost(name='dropped', title='dropped', function=lambda network: 1.0))", "dropped"),
    ],
)
def test_a_file_that_is_dropped_into_the_room_is_found(tmp_path: Path, room: str, call: str, column: str) -> None:
    """The room is made longer by a folder, so that nothing is written beside the code."""
    head = (
        "from prune_core.metrics.costs import Cost\nfrom prune_core.metrics.registry import Metric, file_cost, file_metric\n"
    )
    (tmp_path / "a_dropped.py").write_text(head + call)
    code = (
        "import sys, pkgutil; walk = pkgutil.iter_modules\n"
        f"def longer(path=None, prefix=''):\n"
        f"    if str(path[0]).endswith({('prune_core/' + room)!r}): path.append({str(tmp_path)!r})\n"
        "    return walk(path, prefix)\n"
        "pkgutil.iter_modules = longer\n"
        "from sweeps.records.columns import record_columns\n"
        f"assert {column!r} in record_columns() and 'torch' not in sys.modules"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
