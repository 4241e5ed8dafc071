"""Paired equivalence: the tests against a hand computation, and a small run of pairs from start to end."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from scipy import stats

from benchmarks.precision_equivalence import MARGINS, main, verdict

DIFFERENCES = [0.001, -0.002, 0.003, 0.0, 0.001]


def test_two_one_sided_tests_are_those_of_scipy() -> None:
    """Each against the mean that its margin names; p is the larger one, and the interval ends where p would be .05."""
    found = verdict(DIFFERENCES, 0.005)
    above = stats.ttest_1samp(DIFFERENCES, -0.005, alternative="greater").pvalue
    below = stats.ttest_1samp(DIFFERENCES, 0.005, alternative="less").pvalue
    assert found.p == pytest.approx(max(above, below)) and found.equivalent
    interval = stats.ttest_1samp(DIFFERENCES, 0.0).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert verdict(DIFFERENCES, found.high).p == pytest.approx(0.05)


def test_no_difference_is_equivalent_and_few_pairs_that_scatter_are_not() -> None:
    assert verdict([0.0, 0.0], 0.005).equivalent
    assert not verdict([0.01, 0.01], 0.005).equivalent and not verdict([-0.01, -0.01], 0.005).equivalent
    scattered = verdict([0.02, -0.02], 0.005)
    assert scattered.mean == 0 and not scattered.equivalent and math.isfinite(scattered.p)
    with pytest.raises(ValueError, match="two pairs"):
        verdict([0.0], 0.005)


def test_a_small_run_of_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """bf16 against fp32 on digits, on the CPU: two pairs say little, but every number is there, and they are pairs."""
    threads = torch.get_num_threads()
    few = ["--seeds", "2", "--epochs", "2", "--train-images", "256", "--test-images", "100", "--corruptions", "contrast"]
    where = ["--network", "small_vgg", "--data", "digits", "--augmentation", "none", "--out", str(tmp_path / "out.json")]
    status = main([*few, *where])
    torch.set_num_threads(threads)
    result = json.loads((tmp_path / "out.json").read_text())
    assert len(result["pairs"]) == 2 and set(result["verdicts"]) == set(MARGINS)
    for plain, other in result["pairs"]:
        assert all(0 <= value <= 1 for value in (*plain.values(), *other.values()))
        assert plain != other and abs(plain["accuracy"] - other["accuracy"]) < 0.3
    differences = [other["ece"] - plain["ece"] for plain, other in result["pairs"]]
    assert result["verdicts"]["ece"]["mean"] == pytest.approx(sum(differences) / 2)
    assert status in (0, 1) and capsys.readouterr().out.count("within") == 3
