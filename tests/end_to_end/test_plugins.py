"""One file per addition: six plugins of a user, one for each kind, in one study."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.end_to_end.running import prunefront

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NETWORK = """
from torch import nn
from prune_core.networks import NETWORKS

@NETWORKS.register("plugin_network")
def build(*, num_classes: int, in_channels: int, width: int = 4) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(in_channels, width, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * width, num_classes),
    )
"""

DATASET = """
from prune_core.data import DATASETS
from prune_core.data.dataset import Arrays, Request

def decode():
    from sklearn.datasets import load_digits
    pixels, labels = load_digits(return_X_y=True)
    images = (pixels.reshape(-1, 8, 8, 1) * 15).astype("uint8").repeat(2, axis=1).repeat(2, axis=2)
    return Arrays(tuple("0123456789"), images[:900], labels[:900].astype("int64"))

@DATASETS.register("plugin_dataset")
def opened(argument, options, cache):
    return Request("Plugin dataset", "CC BY 4.0", "scikit-learn", {"version": 1}, decode)
"""

CORRUPTION = """
from prune_core.corruptions.definition import corruption

@corruption("plugin_corruption", ((10,), (30,), (60,), (90,), (120,)))
def darker(images, level, draws):
    return images - (images > level[0]) * images.dtype.type(level[0])
"""

METHOD = """
from prune_core.pruning.method import METHODS, Method, WeightOptions

METHODS.register("plugin_method")(
    Method("weights", WeightOptions, lambda asked: {name: asked.weight(name).abs() for name in asked.names}, source="test")
)
"""

SAMPLER = """
from sweeps.search import SAMPLERS

@SAMPLERS.register("plugin_sampler")
def build(seed):
    from optuna.samplers import RandomSampler
    return RandomSampler(seed=seed)
"""

RULE = """
from dataclasses import dataclass
from sweeps.search import STOPPING_RULES
from sweeps.stopping_rules import StoppingRule

@dataclass(frozen=True)
class Options:
    most: int = 1

def first_ones(standing, options):
    return [None if place < options.most else "plugin_rule is full" for place in range(len(standing.values))]

STOPPING_RULES.register("plugin_rule")(StoppingRule(first_ones, Options, "test"))
"""

PLUGINS = {
    "my_network": NETWORK,
    "my_dataset": DATASET,
    "my_corruption": CORRUPTION,
    "my_method": METHOD,
    "my_sampler": SAMPLER,
    "my_rule": RULE,
}
NAMES = [f"plugin_{kind}" for kind in ("network", "dataset", "corruption", "method", "sampler", "rule")]

STUDY = {
    "name": "additions",
    "data": {"name": "plugin_dataset", "train": 300, "validation": 100, "test": 100},
    "networks": {"plugin_network": {}},
    "training": {"epochs": 1, "learning_rate": 0.1},
    "fine_tuning": {"learning_rate": 0.01},
    "arms": [{"methods": ["plugin_method"]}],
    "ratios": [0.2, 0.5, 0.8],
    "budgets": [0, 1],
    "seeds": [0],
    "search": {
        "kind": "optuna",
        "candidates": 2,
        "batch": 2,
        "sampler": "plugin_sampler",
        "early_stopping": {"rule": "plugin_rule"},
    },
    "evaluation": {
        "corruptions": ["fog", "plugin_corruption"],
        "images_per_cell": 20,
        "selection_images_per_cell": 20,
        "train_images": 50,
    },
    "plugins": list(PLUGINS),
    "tracking": {"log_models": 1},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the study with six plugins ran."""
    folder = tmp_path_factory.mktemp("additions")
    for name, text in PLUGINS.items():
        (folder / f"{name}.py").write_text(text)
    (folder / "additions.yaml").write_text(yaml.safe_dump(STUDY))
    ran = prunefront("run", "additions.yaml", "--out", "out", cwd=folder, PRUNEFRONT_CACHE=str(folder / "cache"))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder


def test_the_records_are_those_of_the_additions(folder: Path) -> None:
    records = pd.read_parquet(folder / "out" / "records.parquet")
    assert set(records["network"]) == {"plugin_network"}
    pruned = records[records["method"].eq("plugin_method")]
    assert len(pruned) == 4  # two candidates at two budgets
    by_hand = {"0.2": 0.2, "0.5": 0.5, "0.8": 0.8}
    complete = pruned[pruned["status"].eq("complete")]
    assert len(complete) == 3
    for _, row in complete[complete["budget"].eq(0)].iterrows():
        assert row["sparsity"] == pytest.approx(by_hand[f"{row['ratio']:g}"], abs=0.01)
    stopped = pruned[pruned["status"].eq("stopped")]
    assert stopped["cause"].tolist() == ["stopped at budget 0: plugin_rule is full"] and stopped["budget"].tolist() == [1]
    said = records["corruption_set"].dropna().unique()
    assert said.tolist() == [
        "Plugin dataset-C (generated, seed 0); mPC is the mean over fog, plugin_corruption, not over the benchmark's 15"
    ]
    one = next(iter((folder / "out").glob("trials/*/budget-0000/corruptions.csv")))
    table = pd.read_csv(one).set_index("corruption")
    assert table.index.tolist() == ["fog", "plugin_corruption"]
    record = records[records["key"].eq(one.parent.parent.name) & records["budget"].eq(0)].iloc[0]
    cells = table[[f"accuracy_s{severity}" for severity in range(1, 6)]].to_numpy()
    assert record["mpc"] == pytest.approx(float(np.mean(cells)), abs=1e-6)


def test_the_report_and_mlflow_name_them(folder: Path) -> None:
    page = (folder / "out" / "report" / "index.html").read_text()
    assert [name for name in NAMES if name not in page] == []
    with sqlite3.connect(folder / "out" / "mlflow.db") as books:
        params = [str(row) for row in books.execute("select key, value from params")]
    kept = "".join(path.read_text(errors="replace") for path in (folder / "out" / "mlartifacts").rglob("*.yaml"))
    assert [name for name in NAMES if name not in "".join(params) + kept] == []


def test_the_lists_of_names_hold_them(folder: Path) -> None:
    listed = prunefront("studies", "additions.yaml", "--keys", cwd=folder)
    assert listed.returncode == 0, listed.stderr
    assert [name for name in NAMES if name not in listed.stdout] == []
    shipped = prunefront("studies", "--keys", cwd=folder)
    assert "plugin_network" not in shipped.stdout and "nsga2" in shipped.stdout and "ranks" in shipped.stdout


def test_one_corruption_of_a_plugin_from_the_command_line(folder: Path) -> None:
    asked = ("--data", "digits", "--corruption", "plugin_corruption", "--limit", "10", "-o", "made")
    made = prunefront("corrupt", "--plugin", "my_corruption", *asked, cwd=folder)
    assert made.returncode == 0, made.stderr
    images = np.load(folder / "made" / "plugin_corruption.npy")
    assert images.shape == (50, 16, 16, 1) and images.dtype == np.uint8
    assert images[40:].max() <= 255 - 120 and images[:10].max() > images[40:].max()
    without = prunefront("corrupt", *asked, cwd=folder)
    assert without.returncode == 2 and "unknown corruption 'plugin_corruption'" in without.stderr
    missing = prunefront("corrupt", "--plugin", "no_such_module", *asked, cwd=folder)
    assert missing.returncode == 2 and "no_such_module" in missing.stderr and "Traceback" not in missing.stderr
