"""Who has collapsed: more than ten points below its own control, on the images that select."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from sweeps.front.collapse import COLLAPSED, has_collapsed, lost_accuracy

TABLE = pd.DataFrame(
    {
        "method": ["l1_filter", "l1_filter", "l1_filter", "baseline"],
        "delta_val_accuracy": [-0.11, -0.09, 0.02, math.nan],
        "delta_accuracy": [-0.05, -0.2, 0.02, math.nan],
    }
)


def test_the_selection_images_say_who_collapsed_and_the_report_images_where_they_decide() -> None:
    assert has_collapsed(TABLE, "validation").tolist() == [True, False, False, False]
    assert has_collapsed(TABLE, "report").tolist() == [False, True, False, False]
    assert lost_accuracy(TABLE, "validation").tolist()[:3] == pytest.approx([0.11, 0.09, -0.02])


def test_the_threshold_is_ten_points_and_itself_no_collapse() -> None:
    assert COLLAPSED == 0.1
    table = pd.DataFrame({"delta_accuracy": [-0.1, -0.1000001]})
    assert has_collapsed(table, "report").tolist() == [False, True]


def test_without_a_control_nobody_collapses() -> None:
    assert not has_collapsed(TABLE[["method"]], "validation").any()
    assert not has_collapsed(pd.DataFrame(columns=list(TABLE)), "validation").any()
