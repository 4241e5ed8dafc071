"""The recommended network: limits, margins, what really shrinks, the dense ladder, and tables of any kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from prune_core.base.kinds import REFERENCES
from prune_core.metrics import Direction
from sweeps.front.demands import MARGIN, demands_of
from sweeps.front.recommended import Recommended, recommended_of
from sweeps.front.recommended_text import ZEROS, recommended_sentence
from sweeps.study.values import parse_limit

OBJECTIVES: dict[str, Direction] = {"accuracy": "max", "ece": "min", "nonzero_parameters": "min"}


def record(arm: str, method: str, ratio: float, accuracy: float, size: int, nonzero: int, **more: Any) -> dict[str, Any]:
    own = {"network": "net", "seed": 0, "budget": 2, "status": "complete", "ece": 0.02}
    own |= {"key": f"{arm}-{ratio:g}-{more.get('seed', 0)}-{more.get('budget', 2)}", "arm": arm, "method": method}
    own |= {
        "ratio": ratio,
        "accuracy": accuracy - 0.3,
        "val_accuracy": accuracy,
        "val_ece": 0.02,
    }  # report numbers decide nothing
    own |= {"size_bytes": size, "macs": 10 * size, "nonzero_parameters": nonzero}
    return own | more


def with_deltas(rows: list[dict[str, Any]]) -> pd.DataFrame:
    table = pd.DataFrame(rows)
    control = table[table["method"].eq("control")].set_index(["network", "seed", "budget"])["val_accuracy"]
    own = zip(table["network"], table["seed"], table["budget"], strict=True)
    against = table["val_accuracy"] - [control.get(each, np.nan) for each in own]
    table["delta_val_accuracy"] = against.where(~table["method"].isin(["baseline", "dense"]))
    return table


CONTROL = record("net", "control", 0, 0.95, 4000, 1000)
FILTERS = record("net-l1_filter", "l1_filter", 0.5, 0.945, 2500, 600)
SMALLER_AND_WORSE = record("net-l1_filter", "l1_filter", 0.7, 0.93, 1800, 450)
COLLAPSED = record("net-l1_filter", "l1_filter", 0.9, 0.20, 600, 100)
ZEROED = record("net-unstructured", "unstructured", 0.9, 0.949, 4100, 150)


def found(rows: list[dict[str, Any]], *limits: str, **more: Any) -> Recommended:
    demanded = [parse_limit(text) for text in limits]
    return recommended_of(with_deltas(rows), OBJECTIVES, seeds=[0], limits=demanded, **more)


def test_by_default_it_is_the_smallest_file_that_loses_at_most_a_point_against_its_control():
    one = found([CONTROL, FILTERS, SMALLER_AND_WORSE, COLLAPSED, ZEROED])
    assert (one.outcome, one.name, one.cost, one.shrinks) == ("pruned", "net-l1_filter-r0.50-b2", "size_bytes", True)
    assert one.control is not None and one.control["size_bytes"] == 4000
    # two qualify (-0.5 and -0.1 points), four compete
    assert recommended_sentence(one) == (
        "Take net-l1_filter at 0.5, 2 epochs: of the 2 pruned networks (of 4) that lose at most 1 point of accuracy against "
        "their control, the only one with a smaller file than its control, 2,500 bytes against its control's 4,000."
    )


def test_zeros_in_a_file_that_is_no_smaller_decide_only_where_nothing_shrinks():
    one = found([CONTROL, SMALLER_AND_WORSE, ZEROED])
    assert (one.name, one.cost, one.shrinks) == ("net-unstructured-r0.90-b2", "nonzero_parameters", False)
    assert recommended_sentence(one).endswith(ZEROS)


def test_limits_take_the_place_of_the_default_margin_and_read_selection_numbers():
    one = found([CONTROL, FILTERS, SMALLER_AND_WORSE, COLLAPSED], "accuracy >= 0.92")
    assert one.name == "net-l1_filter-r0.70-b2"
    assert recommended_sentence(one) == (
        "Take net-l1_filter at 0.7, 2 epochs: the smallest file of the 2 pruned networks (of 3) that meet the limits "
        "(val_accuracy >= 0.92) and have a smaller file than their control, 1,800 bytes against its control's 4,000."
    )


def test_a_declared_margin_counts_beside_limits():
    one = found([CONTROL, FILTERS, SMALLER_AND_WORSE], "accuracy >= 0.92", margins={"accuracy": 0.006})
    assert one.name == "net-l1_filter-r0.50-b2"
    assert "meets the limits (val_accuracy >= 0.92) and loses at most 0.6 points of accuracy" in recommended_sentence(one)


def test_a_collapsed_network_is_not_recommended_even_where_it_meets_the_limits():
    one = found([CONTROL, FILTERS, COLLAPSED], "size_bytes <= 3000")
    assert one.name == "net-l1_filter-r0.50-b2"


def test_where_nothing_qualifies_that_is_the_answer():
    one = found([CONTROL, SMALLER_AND_WORSE, COLLAPSED])
    assert (one.outcome, one.row, one.name) == ("nothing", None, "")
    assert recommended_sentence(one) == (
        "Keep the unpruned network: none of 2 pruned networks loses at most 1 point of accuracy against its control."
    )


@pytest.mark.parametrize(("accuracy", "size", "wins"), [(0.945, 2400, True), (0.93, 2400, False), (0.96, 2600, False)])
def test_a_dense_network_that_keeps_as_much_in_a_smaller_file_is_the_answer_instead(accuracy, size, wins):
    dense = record("half", "dense", 0, accuracy, size, 600, network="half", budget=0)
    one = found([CONTROL, FILTERS, dense])
    assert one.outcome == ("dense" if wins else "pruned")
    if wins:
        assert one.title == "half-dense"
        # half has no control of its own: what it keeps is kept against the network that pruning started from
        said = recommended_sentence(one)
        assert "it was never pruned, loses at most 1 point of accuracy against net control, 2 epochs and" in said
        assert "net-l1_filter at 0.5, 2 epochs, has 2,500 bytes" in recommended_sentence(one)


def test_another_network_that_is_smaller_unpruned_and_as_good_is_the_answer_too():
    other = record("tiny", "control", 0, 0.95, 2000, 500, network="tiny")
    one = found([CONTROL, FILTERS, other])
    assert (one.outcome, one.name) == ("dense", "tiny-control-b2")


def test_shorter_budgets_and_incomplete_candidates_do_not_compete():
    short = record("net-l1_filter", "l1_filter", 0.8, 0.95, 900, 100, budget=0)
    missing = record("net-l1_filter", "l1_filter", 0.6, 0.95, 2000, 100, status="failed")
    assert (
        found([CONTROL, FILTERS, short, missing, record("net", "control", 0, 0.95, 4000, 1000, budget=0)]).name
        == "net-l1_filter-r0.50-b2"
    )
    assert found([CONTROL]).outcome == "incomplete"
    assert recommended_of(pd.DataFrame(), OBJECTIVES, seeds=None).outcome == "incomplete"


@pytest.mark.parametrize("seed", range(16))
def test_of_any_table_it_qualifies_and_nothing_that_qualifies_is_smaller(seed):
    """Seeded random tables: the promise of the sentence, checked by looking at every candidate."""
    stream = np.random.default_rng(seed)
    rows = [record("net", "control", 0, float(stream.uniform(0.8, 0.99)), 4000, 1000)]
    for ratio in (0.1, 0.3, 0.5, 0.7, 0.9):
        for method in ("l1_filter", "unstructured"):
            size = 4100 if method == "unstructured" else int(stream.integers(500, 4500))
            accuracy = rows[0]["val_accuracy"] - float(stream.choice([0.0, 0.005, 0.02, 0.3]))
            rows.append(record(f"net-{method}", method, ratio, accuracy, size, int(stream.integers(50, 1000))))
    if seed % 3 == 0:
        rows.append(
            record("half", "dense", 0, float(stream.uniform(0.8, 0.99)), int(stream.integers(500, 4500)), 500, budget=0)
        )
    one = found(rows)
    control = rows[0]["val_accuracy"]
    able = [row for row in rows if row["method"] not in REFERENCES and row["val_accuracy"] - control >= -MARGIN]
    dense = [row for row in rows if row["method"] == "dense" and row["val_accuracy"] - control >= -MARGIN]
    assert len(one.qualified) == len(able)
    if one.outcome == "nothing":
        assert not able and not dense
        return
    assert one.row is not None
    assert one.row["val_accuracy"] - control >= -MARGIN
    really = [row for row in able if row["size_bytes"] < 4000]
    assert one.shrinks == bool(really or one.outcome == "dense")
    if one.shrinks:
        assert one.row["size_bytes"] <= min(row["size_bytes"] for row in [*really, *dense])
    else:
        assert one.row["nonzero_parameters"] == min(row["nonzero_parameters"] for row in able)


def test_demands_are_those_of_limits_and_margins_each_on_the_column_that_decides():
    columns = pd.Index(["val_accuracy", "delta_val_accuracy", "delta_accuracy", "delta_val_ece"])
    limit = parse_limit("accuracy >= 0.9")
    assert list(map(str, demands_of(columns, [limit], {}))) == ["val_accuracy >= 0.9"]
    declared = ["delta_val_accuracy >= -0.01", "delta_val_ece <= 0.02"]  # no others than those that it names, and accuracy
    assert list(map(str, demands_of(columns, [], {"ece": 0.02}))) == declared
    default = ["delta_val_accuracy >= -0.01", "delta_val_ece <= 0.01"]  # ECE by default where it is an objective
    assert list(map(str, demands_of(columns, [], {}, objectives=["accuracy", "ece", "macs"]))) == default
    assert list(map(str, demands_of(columns, [], {}, "report"))) == ["delta_accuracy >= -0.01"]
