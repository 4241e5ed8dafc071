"""The figure of the front has an axis for each objective and limit of the study."""

from __future__ import annotations

from dashboards.analysis.points import candidate_points
from dashboards.figures.front.data import panels
from dashboards.figures.front.interactive import front_figure
from dashboards.reading.study_folder import StudyFolder
from tests.dashboards import synthetic


def test_an_axis_for_each_limit_and_objective(tmp_path):
    table = synthetic.records(seeds=(0, 1), networks=("small_vgg",), methods={"l1_filter": 1.0})
    table = table.assign(worst_corruption_accuracy=0.3, val_worst_corruption_accuracy=0.9)
    limits = ["val_worst_corruption_accuracy >= 0.4", "size_bytes <= 20000"]
    points = candidate_points(StudyFolder(tmp_path, synthetic.study(seeds=[0, 1], limits=limits), table))
    assert {"worst_corruption_accuracy", "size_bytes"} <= set(panels(points))
    titles = str(front_figure(points)["layout"])
    assert "accuracy, worst corruption" in titles
    assert "size of the saved file" in titles
    plain = candidate_points(StudyFolder(tmp_path, synthetic.study(seeds=[0, 1], limits=[]), table))
    assert "size_bytes" not in panels(plain)
