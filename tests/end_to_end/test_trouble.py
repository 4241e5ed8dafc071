"""Trials that raise, hang or diverge are records with a cause; the sweep goes on and exits with 1."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.end_to_end.running import prunefront

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PLUGIN = """
import ctypes
from prune_core.pruning.method import METHODS, ChannelOptions, Method

def raises(context):
    raise RuntimeError("no such luck\\nsecond line")

def hangs(context):
    ctypes.PyDLL(None).sleep(10_000)  # in compiled code, holding the interpreter's lock

METHODS.register("raises")(Method("filters", ChannelOptions, raises, source="test"))
METHODS.register("hangs")(Method("filters", ChannelOptions, hangs, source="test"))
"""

STUDY = {
    "name": "trouble",
    "data": {"name": "digits", "train": 300, "validation": 100, "test": 100},
    "networks": {"small_vgg": {"options": {"width": 4}}},
    "training": {"epochs": 1, "learning_rate": 0.1},
    "fine_tuning": {"learning_rate": 0.01},
    "arms": [
        {"methods": ["unstructured", "raises", "hangs"]},
        {"methods": ["unstructured"], "label": "wild", "fine_tuning": {"learning_rate": 1e30}},
    ],
    "ratios": [0.5],
    "budgets": [0, 1],
    "seeds": [0],
    "plugins": ["faulty"],
    "evaluation": {"corruptions": "none", "train_images": 100},
    "resources": {"hang_floor_seconds": 2},
}


def test_failed_trials_are_counted_with_their_cause(tmp_path: Path) -> None:
    (tmp_path / "faulty.py").write_text(PLUGIN)
    (tmp_path / "trouble.yaml").write_text(yaml.safe_dump(STUDY))
    ran = prunefront("run", "trouble.yaml", "--out", "runs/trouble", cwd=tmp_path)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
    records = pd.read_parquet(tmp_path / "runs/trouble/records.parquet")
    longest = records[records["budget"] == 1].set_index("arm")[["status", "cause"]]
    assert longest.loc["small_vgg-unstructured", "status"] == "complete"
    cause = "method raises of the module faulty, line 6: RuntimeError: no such luck"
    assert list(longest.loc["small_vgg-raises"]) == ["failed", cause]
    assert longest.loc["small_vgg-hangs", "status"] == "failed"
    assert str(longest.loc["small_vgg-hangs", "cause"]).startswith("hung: silent for too long")
    assert longest.loc["small_vgg-unstructured-wild", "status"] == "diverged"
    assert not records.select_dtypes("number").isin([float("inf"), float("-inf")]).any().any()
    assert (records.loc[records["status"] != "complete", "accuracy"]).isna().all()
    assert "4 trials failed or diverged" in ran.stdout  # the wild arm's control diverges too
    page = (tmp_path / "runs/trouble/report/index.html").read_text()
    assert "no such luck" in page

    again = prunefront("run", "trouble.yaml", "--out", "runs/trouble", "--allow-failures", cwd=tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
