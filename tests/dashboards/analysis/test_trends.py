from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import linregress, t

from dashboards.analysis.trends import trend_sentences, trends
from dashboards.reading.study_folder import StudyFolder

NEXT_TO_NONE = 1e-8
"""Noise too small to be seen; numbers without any would look as if they were counted in steps of their size."""


def sentences(study):
    return trend_sentences(study, trends(study))


def folder(tmp_path, noise, seeds=3, lost=0.0, ece=0.0):
    stream = np.random.default_rng(0)
    rows = [
        {
            "key": f"k{seed}{ratio}",
            "network": "n",
            "arm": "n-m",
            "method": "m",
            "ratio": ratio,
            "seed": seed,
            "budget": 2,
            "status": "complete",
            "ece": 0.02 + 0.1 * ratio + noise * stream.normal(),
            "delta_accuracy": 0.0,
            "delta_ece": ece if ratio == 0.9 else 0.001,
            "delta_val_accuracy": -lost * ratio,  # the images that select say who collapsed
        }
        for seed in range(seeds)
        for ratio in (0.3, 0.5, 0.9)
    ]
    return StudyFolder(tmp_path, {}, pd.DataFrame(rows))


def test_a_line_has_its_slope_and_no_width(tmp_path):
    (trend,) = trends(folder(tmp_path, NEXT_TO_NONE))
    assert trend.change.mean == pytest.approx(0.01, abs=1e-7)
    assert trend.change.half == pytest.approx(0.0, abs=1e-6)
    assert trend.words == "ECE +1.00 points [+1.00, +1.00]"  # three seeds decide nothing
    assert trends(folder(tmp_path, NEXT_TO_NONE, seeds=5))[0].words == "ECE rises by 1.00 points [+1.00, +1.00]"
    assert trends(folder(tmp_path, 5.0, seeds=5))[0].words.endswith(", undecided")


def test_slope_and_interval_are_those_of_scipy(tmp_path):
    study = folder(tmp_path, 0.05)
    (trend,) = trends(study)
    slopes = [linregress(own["ratio"], own["ece"]).slope / 10 for _, own in study.records.groupby("seed")]
    low, high = t.interval(0.95, 2, loc=np.mean(slopes), scale=np.std(slopes, ddof=1) / np.sqrt(3))
    assert (trend.change.low, trend.change.high) == pytest.approx((low, high))


def test_a_collapse_is_no_line_and_its_low_ece_no_gain(tmp_path):
    (sentence,) = sentences(folder(tmp_path, NEXT_TO_NONE, lost=0.25))[("ratio", "n")]
    assert sentence == "m: From ratio 0.5 on it has collapsed."  # its ECE is not lower: nothing to warn of
    (sentence,) = sentences(folder(tmp_path, NEXT_TO_NONE, lost=0.25, ece=-0.01))[("ratio", "n")]
    assert (
        sentence == "m: From ratio 0.5 on it has collapsed; its ECE is below its control's at 0.9, which is no gain there."
    )
    (sentence,) = sentences(folder(tmp_path, NEXT_TO_NONE, lost=0.15))[("ratio", "n")]  # at .9 only: the line ends at .5
    assert sentence.startswith("m: before it collapses, ECE +1.00 points [+1.00, +1.00]. From ratio 0.9 on it has collapsed")
    assert "collapsed" not in sentences(folder(tmp_path, NEXT_TO_NONE, lost=0.1))[("ratio", "n")][0]


def test_one_ratio_has_no_trend(tmp_path):
    study = folder(tmp_path, 0.0)
    one = StudyFolder(tmp_path, {}, study.records[study.records["ratio"] == 0.5])
    assert sentences(one) == {}
