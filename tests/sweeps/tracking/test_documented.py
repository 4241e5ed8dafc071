"""The page about MLflow names every metric that is sent for a study without plugins."""

from __future__ import annotations

import re
from pathlib import Path

from sweeps.tracking.entry import TrialEntry, budget_metrics, final_metrics

PAGE = Path(__file__).resolve().parents[3] / "docs" / "mlflow.md"


def test_every_metric_is_documented():
    named = set(re.findall(r"[a-z_]+", PAGE.read_text(encoding="utf-8")))
    sent = [name for name in (*budget_metrics(), *final_metrics()) if not name.startswith("delta_")]
    assert "val_worst_corruption_accuracy" in sent
    assert [name for name in sent if name not in named] == []


def test_columns_of_limits_are_sent_at_every_budget():
    entry = TrialEntry("k", "n", metrics={0: {"val_ece_t": 0.1}, 2: {"val_ece_t": 0.05}})
    assert entry.points(["val_ece_t"]) == [("val_ece_t", 0, 0.1), ("val_ece_t", 2, 0.05)]
