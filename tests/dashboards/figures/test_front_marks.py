"""The printed front: its steps against the Pareto front by hand, and no bars of points outside the frame."""

from __future__ import annotations

import matplotlib
import pandas as pd
import pytest

from dashboards.analysis.points import candidate_points
from dashboards.figures.front.marks import draw_labels, in_frame, step_points
from dashboards.figures.front.printed import dress_panel, print_front
from dashboards.reading.study_folder import StudyFolder
from tests.dashboards import synthetic


def _table() -> pd.DataFrame:
    rows = [(0.05, 0.90, False), (0.02, 0.80, False), (0.01, 0.95, True), (0.05, 0.85, False), (0.04, 0.80, False)]
    table = pd.DataFrame(rows, columns=["ece", "accuracy", "collapsed"])
    return table.assign(mpc=[0.5, 0.7, 0.9, 0.6, 0.7], place=range(len(rows)))


def test_steps_are_the_members_of_the_panel_s_front():
    # 0.01 has collapsed; at 0.05 only the more accurate of the two is on the front, 0.04 adds no accuracy to 0.02
    assert step_points(_table(), "ece") == [(0.02, 0.80), (0.05, 0.90)]


def test_steps_go_the_way_that_is_better():
    assert step_points(_table(), "mpc") == [(0.7, 0.80), (0.6, 0.85), (0.5, 0.90)]


@pytest.fixture
def axis():
    matplotlib.use("agg")
    from matplotlib.figure import Figure

    return Figure().subplots()


def test_what_is_outside_of_the_frame_is_left_out(axis):
    assert in_frame(axis, 5.0, 5.0)  # no frame is set: it grows with what is drawn
    axis.set_xlim(0.1, 0.0)
    axis.set_ylim(0.5, 1.0)
    assert in_frame(axis, 0.05, 0.9)
    assert not in_frame(axis, 0.05, 0.4)
    assert not in_frame(axis, 0.2, 0.9)


def test_labels_name_who_is_in_the_frame(axis):
    axis.set_xlim(0.0, 0.06)
    axis.set_ylim(0.82, 1.0)
    draw_labels(axis, _table(), "ece", {0: "Recommended", 1: "Most robust"})
    assert [text.get_text() for text in axis.texts] == ["Recommended"]  # the other one is below the frame


@pytest.mark.parametrize("ends", [(940, 1720), (31_000, 34_000), (90, 20_000), (5, 5e6)])
def test_a_cost_of_any_span_has_ticks(axis, ends):
    axis.set_xscale("log")
    axis.set_xlim(*ends)
    dress_panel(axis, "nonzero_parameters")
    shown = [tick for tick in axis.get_xticks() if ends[0] <= tick <= ends[1]]
    assert len(shown) >= 2
    assert len({axis.xaxis.get_major_formatter()(tick, 0) for tick in shown}) == len(shown)


def test_the_printed_front_is_written_with_labels(tmp_path):
    table = synthetic.records(seeds=(0, 1), networks=("small_vgg",), methods={"l1_filter": 1.0})
    points = candidate_points(StudyFolder(tmp_path, synthetic.study(seeds=[0, 1]), table))
    first, *_ = print_front(points, tmp_path, {int(points.complete["place"].iloc[0]): "Recommended"})
    assert first.stat().st_size > 10_000
