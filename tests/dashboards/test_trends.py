from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import linregress, t

from dashboards.study_folder import StudyFolder
from dashboards.trends import trend_rows, trends


def folder(tmp_path, noise, seeds=3):
    stream = np.random.default_rng(0)
    rows = [
        {"network": "n", "arm": "n-m", "method": "m", "ratio": ratio, "seed": seed, "budget": 2, "status": "complete",
         "ece": 0.02 + 0.1 * ratio + noise * stream.normal()}
        for seed in range(seeds) for ratio in (0.3, 0.5, 0.9)
    ]  # fmt: skip
    return StudyFolder(tmp_path, {}, pd.DataFrame(rows))


def test_a_line_has_its_slope_and_no_width(tmp_path):
    (trend,) = trends(folder(tmp_path, 0.0))
    assert trend.slope == pytest.approx(0.01)
    assert trend.half == pytest.approx(0.0, abs=1e-12)
    assert "rises" not in trend.words  # three seeds decide nothing
    assert trends(folder(tmp_path, 0.0, seeds=5))[0].words.endswith("rises")


def test_slope_and_interval_are_those_of_scipy(tmp_path):
    study = folder(tmp_path, 0.05)
    (trend,) = trends(study)
    slopes = [linregress(own["ratio"], own["ece"]).slope / 10 for _, own in study.records.groupby("seed")]
    low, high = t.interval(0.95, 2, loc=np.mean(slopes), scale=np.std(slopes, ddof=1) / np.sqrt(3))
    assert (trend.slope - trend.half, trend.slope + trend.half) == pytest.approx((low, high))


def test_one_ratio_has_no_trend(tmp_path):
    study = folder(tmp_path, 0.0)
    one = StudyFolder(tmp_path, {}, study.records[study.records["ratio"] == 0.5])
    assert trend_rows(one) == ([], [])
