"""One file with two metrics and a cost, named under ``plugins``: they stand wherever ours stand, and decide like ours."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dashboards.live.server import LiveStudy
from dashboards.reading.study_folder import read_study_folder
from prune_core.evaluation.logits import LogitSet
from prune_core.metrics import COSTS, METRICS
from tests.end_to_end.running import prunefront

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PLUGIN = """
import numpy as np

from prune_core.metrics import Cost, Metric, file_cost, file_metric


def margin(predictions, bins):
    ordered = np.sort(predictions.probabilities, axis=1)
    return float((ordered[:, -1] - ordered[:, -2]).mean())


file_metric(
    Metric("margin", "mean margin", margin, "max", "fraction", 0.0, 1.0, "a test", after_temperature=True, format="percent")
)
# As a plugin of version 0.1.0 says it.
file_metric(
    Metric("shyness", "shyness", lambda c, bins: 1 - c.confidence.mean(), "min", "1", 0.0, 1.0, "a test", on="severity")
)
file_cost(
    Cost(
        name="filters",
        title="filters",
        function=lambda network: sum(getattr(m, "out_channels", 0) for m in network.network.modules()),
        unit="filters",
        format="count",
    )
)
"""
STUDY = """
name: own-columns
title: Columns of my own
data: {name: digits, validation: 100, test: 100, train: 300}
networks:
  small_vgg: {options: {width: 4}}
training: {epochs: 2, learning_rate: 0.1}
fine_tuning: {learning_rate: 0.01}
arms:
  - methods: [l1_filter]
ratios: [0.5]
budgets: [0, 1]
seeds: [0]
objectives: [accuracy, margin, filters]
limits: ["val_shyness <= 0.95", "val_margin >= 0.999", "filters <= 28"]
margins: {margin: 0.5}
evaluation: {images_per_cell: 20, selection_images_per_cell: 20, train_images: 50}
tracking: {log_models: 1}
plugins: [my_columns]
"""
FILTERS = 4 + 8 + 16
"""Of small_vgg at width 4; l1_filter at ratio 0.5 keeps half."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    (folder / "my_columns.py").write_text(PLUGIN)
    (folder / "own.yaml").write_text(STUDY)
    ran = prunefront("run", "own.yaml", "--out", "out", cwd=folder)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (folder / "said.txt").write_text(ran.stdout)
    return folder


@pytest.fixture
def out(place: Path, tmp_path: Path) -> Path:
    """The study's folder, moved away from the plugin that measured it."""
    shutil.copytree(place / "out", tmp_path / "out", ignore=shutil.ignore_patterns("mlartifacts", "*.db"))
    for name in ("columns.json", "records.parquet"):  # as new as they were: nothing has gone on since
        shutil.copystat(place / "out" / name, tmp_path / "out" / name)
    return tmp_path / "out"


def test_the_records_hold_what_the_logits_say(place: Path) -> None:
    records = pd.read_parquet(place / "out" / "records.parquet")
    assert set(records["status"]) == {"complete"}
    for row in records.itertuples():
        logits = LogitSet.load(place / "out" / "trials" / str(row.key) / f"budget-{row.budget:04d}" / "report.npz")
        odds = np.exp(logits.clean.astype(np.float64))
        ordered = np.sort(odds / odds.sum(axis=1, keepdims=True), axis=1)
        assert row.margin == pytest.approx((ordered[:, -1] - ordered[:, -2]).mean())
        worst = np.exp(np.stack([cell[4] for cell in logits.cells.values()]).astype(np.float64))
        assert row.shyness_s5 == pytest.approx(1 - (worst.max(axis=2) / worst.sum(axis=2)).mean())
        assert row.filters == (FILTERS / 2 if row.method == "l1_filter" else FILTERS)
    control = records[(records["method"] == "control") & (records["budget"] == 1)].iloc[0]
    pruned = records[(records["method"] == "l1_filter") & (records["budget"] == 1)].iloc[0]
    assert pruned["delta_val_margin"] == pytest.approx(pruned["val_margin"] - control["val_margin"])
    names = list(records.columns)
    assert names.index("size_bytes") + 1 == names.index("filters")  # behind ours
    assert names.index("temperature") == names.index("margin") + 1  # fitted ones follow those of the images
    assert {"margin_t", "val_margin_t", "shyness", "val_shyness", *(f"shyness_s{s}" for s in range(1, 6))} <= set(names)


def test_they_decide_the_front_and_the_limits(out: Path) -> None:
    front = pd.read_csv(out / "front.csv")
    assert {"margin", "val_margin", "filters", "filters_std", "shyness", "macs"} <= set(front.columns)
    study = read_study_folder(out)
    assert study.decisive == {"val_accuracy": "max", "val_margin": "max", "filters": "min"}
    assert [limit.column for limit in study.decisive_limits] == ["val_shyness", "val_margin", "filters"]
    page = (out / "report" / "index.html").read_text()
    assert "no complete pruned network qualifies" in page  # val_margin >= 0.999 is out of reach


def test_the_report_shows_them_where_ours_stand_without_the_plugin(out: Path) -> None:
    assert "margin" not in METRICS
    assert "filters" not in COSTS
    written = (out / "report" / "index.html").read_text()
    again = prunefront("report", out, cwd=out.parent)
    assert again.returncode == 0, again.stderr
    page = (out / "report" / "index.html").read_text()
    assert page == written
    heads = re.findall(r"<th scope=\"col\"[^>]*>([^<]*)</th>", page)
    for title in ("Mean margin", "Shyness", "Filters"):
        assert title in heads, title
    assert 'id="shyness"' in page  # its figure by severity
    figures = json.loads(re.search(r'id="figures">(.*?)</script>', page, re.DOTALL).group(1))  # type: ignore[union-attr]
    layout = figures["figures"]["front"]["layout"]
    titles = [axis["title"]["text"] for name, axis in layout.items() if name.startswith("xaxis")]
    assert any("mean margin" in text and "higher is better" in text for text in titles)
    assert any("filters" in text for text in titles)
    assert any("mean margin" in text for text in figures["hover"])
    assert re.search(r"mean margin: \d+\.\d\s%", figures["hover"][0])
    assert (out / "report" / "figures" / "shyness-small_vgg.svg").is_file()


def test_the_live_page_shows_them_too(out: Path) -> None:
    assert "mean margin" in LiveStudy(out).figures()


def test_a_folder_without_the_file_is_read_as_before(out: Path) -> None:
    (out / "columns.json").unlink()
    again = prunefront("report", out, cwd=out.parent)
    assert again.returncode == 0, again.stderr
    (out / "columns.json").write_text("[1")
    refused = prunefront("report", out, cwd=out.parent)
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert "columns.json" in refused.stderr


def test_mlflow_and_the_terminal_have_them(place: Path) -> None:
    with sqlite3.connect(place / "out" / "mlflow.db") as books:
        keys = {key for (key,) in books.execute("select distinct key from latest_metrics").fetchall()}
    assert {"margin", "margin_t", "val_margin", "delta_margin", "shyness", "val_shyness", "filters", "hypervolume"} <= keys
    said = (place / "said.txt").read_text()
    table = said[said.index("the front") :]
    assert "margin" in table
    assert "filters" in table


def test_the_keys_of_a_study_name_them(place: Path) -> None:
    listed = prunefront("studies", "own.yaml", "--keys", cwd=place).stdout
    for name, may_be in (
        ("margin", "limits must name val_margin; objectives may name either"),
        ("margin_t", "limits must name val_margin_t; objectives may name either"),
        ("val_margin", "limits and objectives"),
    ):
        assert re.search(rf"^{name} +mean margin .*: higher is better; .*; {may_be}$", listed, re.MULTILINE)
    assert re.search(r"^filters +filters .*: lower is better; limits and objectives$", listed, re.MULTILINE)
    assert "mean margin" not in prunefront("studies", "--keys", cwd=place).stdout


def test_a_checkpoint_is_judged_by_them(place: Path) -> None:
    (weights,) = sorted((place / "out" / "trials").glob("*/budget-0000/weights.safetensors"))[:1]
    arguments = ("evaluate", weights, "--data", "digits", "--limit", "50", "--plugin", "my_columns")
    found = json.loads(prunefront(*arguments, "--json", cwd=place).stdout)
    assert 0 < found["margin"] < 1
    assert found["filters"] in (FILTERS, FILTERS // 2)
    shown = prunefront(*arguments, cwd=place).stdout
    assert "mean margin" in shown
    assert re.search(r"^filters +\d+$", shown, re.MULTILINE)
