"""Hypervolume over time against a hand computation and moocore; its reference point is stated and stays."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from prune_core.metrics import Direction
from sweeps.folder.paths import JOURNAL
from sweeps.tracking.journal import append_to_journal, read_journal
from sweeps.tracking.parent import ProgressRow
from sweeps.tracking.progress import axes, counts, reference_text, volumes

DECISIVE: dict[str, Direction] = {"val_accuracy": "max", "val_ece": "min", "nonzero_parameters": "min"}
STUDY: Any = SimpleNamespace(decisive=DECISIVE, seeds=(0,), budgets=(0, 2))


def record(
    method: str, budget: int, accuracy: float, ece: float, parameters: int, status: str = "complete"
) -> dict[str, Any]:
    return {
        "key": method,
        "arm": method,
        "network": "net",
        "method": method,
        "ratio": 0.5,
        "seed": 0,
        "budget": budget,
        "status": status,
        "val_accuracy": accuracy,
        "val_ece": ece,
        "nonzero_parameters": parameters,
    }


RECORDS = pd.DataFrame(
    [
        record("baseline", 0, 0.9, 0.1, 1000),
        record("l1_filter", 0, 0.5, 0.2, 550),
        record("l1_filter", 2, 0.8, 0.05, 550),
        record("random", 2, 0.7, 0.3, 600),  # dominated
        record("failed", 2, np.nan, np.nan, 1, status="failed"),
    ]
)


def test_the_reference_is_the_worst_there_can_be_or_a_tenth_beyond_the_unpruned() -> None:
    assert reference_text(axes(DECISIVE, RECORDS)) == "val_accuracy 0, val_ece 1, nonzero_parameters 1100"
    assert axes({"nll": "min"}, RECORDS.assign(nll=0.3))[0].reference == pytest.approx(3.0)
    assert axes(DECISIVE, RECORDS[RECORDS["method"] != "baseline"]) == []


def test_the_volume_is_the_share_of_the_box_by_hand() -> None:
    found = volumes(STUDY, RECORDS, axes(DECISIVE, RECORDS))
    own = 0.9 * 0.9 * (100 / 1100)  # the baseline
    longest = 0.8 * 0.95 * (550 / 1100) + own - 0.8 * 0.9 * (100 / 1100)
    shorter = 0.5 * 0.8 * (550 / 1100) + own - 0.5 * 0.8 * (100 / 1100)
    assert found == {
        "on_front": 2.0,
        "hypervolume": pytest.approx(longest),
        "on_front_b0": 2.0,
        "hypervolume_b0": pytest.approx(shorter),
    }


def test_many_points_agree_with_moocore() -> None:
    moocore = pytest.importorskip("moocore")
    stream = np.random.default_rng(3)
    table = pd.DataFrame(
        [
            record("baseline", 0, 0.9, 0.1, 1000),
            *(record(f"m{i}", 2, stream.uniform(), stream.uniform(), int(stream.integers(1, 1200))) for i in range(60)),
        ]
    )
    losses = np.column_stack([1 - table["val_accuracy"], table["val_ece"], table["nonzero_parameters"] / 1100])
    wanted = moocore.hypervolume(losses, ref=[1.0, 1.0, 1.0])
    assert volumes(STUDY, table, axes(DECISIVE, table))["hypervolume"] == pytest.approx(wanted)


def test_only_states_that_there_are_have_a_curve() -> None:
    assert counts(["complete", "complete", "diverged"]) == {"trials_complete": 2.0, "trials_diverged": 1.0}


def test_the_journal_gives_back_every_whole_line(tmp_path: Path) -> None:
    rows = [
        ProgressRow({"trials_complete": 1.0}, 1, 10.5),
        ProgressRow({"hypervolume": 0.25}, 2, 11.0, {"where": "val_ece 1"}),
    ]
    assert read_journal(tmp_path) == []
    for row in rows:
        append_to_journal(tmp_path, row)
    with (tmp_path / JOURNAL).open("a") as stream:
        stream.write('{"metrics": {"trials_co')  # the driver was killed
    assert read_journal(tmp_path) == rows


def test_a_cost_that_is_better_larger_is_scaled_by_what_it_can_be() -> None:
    table = RECORDS.assign(sparsity=[0.0, 0.5, 0.5, 0.4, np.nan], compression=[1.0, 2.0, 2.0, 1.7, np.nan])
    (share,) = axes({"sparsity": "max"}, table)
    assert (share.ideal, share.reference) == (1.0, 0.0)
    study: Any = SimpleNamespace(decisive={"sparsity": "max"}, seeds=(0,), budgets=(2,))
    assert volumes(study, table, [share]) == {"on_front": 1.0, "hypervolume": pytest.approx(0.5)}
    study.decisive = {"compression": "max"}
    (times,) = axes(study.decisive, table)
    assert (times.ideal, times.reference) == (10.0, 0.0)  # there is no largest: ten times the unpruned network's
    assert volumes(study, table, [times])["hypervolume"] == pytest.approx(0.2)
