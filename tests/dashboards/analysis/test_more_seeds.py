"""Extra seeds of single candidates count for those; comparisons over all candidates stay those of the study's seeds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from dashboards.analysis.effects import effects
from dashboards.analysis.equal_cost import equal_cost
from dashboards.analysis.points import candidate_points
from dashboards.analysis.provenance import run_facts
from dashboards.analysis.trends import trends
from dashboards.reading.study_folder import read_study_folder
from dashboards.report.parts import seed_count
from tests.dashboards import synthetic


def test_one_candidate_with_more_seeds_leaves_comparisons_over_all_as_they_were(tmp_path: Path) -> None:
    five = synthetic.records(seeds=(0, 1, 2, 3, 4))
    own = five[five["seed"].lt(3)]
    longest = own["budget"].max()
    chosen = five["method"].eq("l1_filter") & five["ratio"].eq(0.5) & five["network"].eq("small_vgg")
    extra = five[five["seed"].ge(3) & five["budget"].eq(longest) & (chosen | five["method"].isin(["baseline", "control"]))]
    assert len(extra) > 2
    studies = [
        read_study_folder(synthetic.write(tmp_path / name, table))
        for name, table in (("own", own), ("more", pd.concat([own, extra], ignore_index=True)))
    ]
    points = [candidate_points(study) for study in studies]
    for first, second in (
        [effects(study) for study in studies],
        [trends(study) for study in studies],
        [equal_cost(study, each) for study, each in zip(studies, points, strict=True)],
    ):
        assert first and repr(second) == repr(first)  # as text: a deviation of one seed is NaN
    before, after = (each.table.set_index(["network", "method", "ratio", "budget"]) for each in points)
    assert (after["complete"] == before["complete"]).all()
    assert after["frequency"].notna().equals(before["frequency"].notna())
    one = ("small_vgg", "l1_filter", 0.5, longest)
    assert (before.loc[one, "seeds"], after.loc[one, "seeds"]) == (3, 5)
    assert seed_count(points[0]) == (3, 3) and seed_count(points[1]) == (3, 5)
    assert "0, 1, 2; 3, 4 too for 1 candidate whose place" in dict(run_facts(studies[1]))["Seeds"]
    assert "too for" not in dict(run_facts(studies[0]))["Seeds"]
