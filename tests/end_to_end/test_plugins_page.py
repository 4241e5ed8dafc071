"""docs/plugins.md: every file that it shows is run as it stands, and imports documented names alone."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from tests.end_to_end.plugins_page import files_of_the_page, write_files
from tests.end_to_end.running import prunefront

pytestmark = pytest.mark.timeout(600)

NAMES = ["my_network.py", "my_method.py", "my_metric.py", "my_corruption.py", "my_dataset.py"]
PUBLIC = ["prune_core", *(f"prune_core.{room}" for room in ("networks", "pruning", "metrics", "corruptions", "data"))]
SAVE = """
import torch, my_network
torch.manual_seed(0)
torch.save(my_network.build(num_classes=4, in_channels=3).state_dict(), "tiny.pth")
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("page")
    write_files(place)
    subprocess.run([sys.executable, "-c", SAVE], cwd=place, check=True)
    return place


def test_the_page_shows_a_file_of_each_kind() -> None:
    assert list(files_of_the_page()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_file_imports_documented_names_alone(name: str) -> None:
    for node in ast.walk(ast.parse(files_of_the_page()[name])):
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] in ("prune_core", "sweeps", "dashboards"):
            assert node.module in PUBLIC
            assert {alias.name for alias in node.names} <= set(importlib.import_module(str(node.module)).__all__)


def test_network_method_and_dataset_prune_a_checkpoint(place: Path) -> None:
    plugins = ("--plugin", "my_network", "--plugin", "my_method", "--plugin", "my_dataset")
    asked = ("--network", "tiny", "--data", "bars", "--method", "filter_spread", "--ratio", "0.5", "-o", "small.safetensors")
    ran = prunefront("prune", "tiny.pth", *plugins, *asked, cwd=place)
    assert ran.returncode == 0, ran.stderr
    with safe_open(place / "small.safetensors", "np") as opened:
        kept = json.loads(opened.metadata()["architecture"])["kept"]["conv1"]
    weights = subprocess.run(
        [sys.executable, "-c", "import torch; print(torch.load('tiny.pth')['conv1.weight'].flatten(1).std(1).tolist())"],
        cwd=place,
        check=True,
        capture_output=True,
        text=True,
    )
    spreads = np.array(json.loads(weights.stdout))
    assert sorted(kept) == sorted(np.argsort(-spreads)[: len(spreads) // 2].tolist())


def test_metric_and_corruptions_judge_a_checkpoint(place: Path) -> None:
    plugins = ("--plugin", "my_network", "--plugin", "my_metric", "--plugin", "my_corruption", "--plugin", "my_dataset")
    asked = ("--network", "tiny", "--data", "bars", "--limit", "40", "--corruptions", "dark,dead_rows", "--json")
    ran = prunefront("evaluate", "tiny.pth", *plugins, *asked, cwd=place)
    assert ran.returncode == 0, ran.stderr
    record = json.loads(ran.stdout)
    assert 0 < record["margin"] < 1
    assert record["corruption_set"] == (
        "Bars-C (generated, seed 0); mPC is the mean over dark, dead_rows, not over the benchmark's 15"
    )
    assert record["worst_corruption"] in ("dark", "dead_rows")
    without = prunefront("evaluate", "tiny.pth", *plugins[:2], *plugins[-2:], *asked, cwd=place)
    assert without.returncode == 2
    assert "unknown corruption 'dark'" in without.stderr
    assert "--plugin MODULE" in without.stderr


def test_the_corruptions_do_what_they_say(place: Path) -> None:
    asked = ("--data", "bars", "--corruption", "dark", "--corruption", "dead_rows", "--limit", "8", "-o", "made")
    ran = prunefront("corrupt", "--plugin", "my_corruption", "--plugin", "my_dataset", *asked, cwd=place)
    assert ran.returncode == 0, ran.stderr
    dark, rows = (np.load(place / "made" / f"{name}.npy").reshape(5, 8, 16, 16, 3) for name in ("dark", "dead_rows"))
    dead = [(severity == 0).all(axis=(2, 3)).sum(axis=1).tolist() for severity in rows]
    assert dead == [[count] * 8 for count in (1, 2, 3, 4, 6)]
    means = dark.mean(axis=(1, 2, 3, 4))
    np.testing.assert_allclose(means[1:] / means[0], np.array([0.6, 0.4, 0.3, 0.2]) / 0.8, atol=0.02)
