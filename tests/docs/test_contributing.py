"""CONTRIBUTING.md: each worked example is a whole file that does what it is for, tried in one process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from dashboards.analysis.points import candidate_points
from dashboards.reading.study_folder import read_study_folder
from documentation.blocks import blocks
from documentation.gather import ROOT

TRIED = """
import copy
from pathlib import Path
import numpy as np, torch
import coin, halves, l2_filter, second_choice, three_convs
from prune_core import build_network, prune
from prune_core.data import load_dataset
from prune_core.metrics import METRICS, Predictions
from prune_core.verification import verify
from prunefront import load_study, search

torch.manual_seed(0)
dense = build_network("three_convs", num_classes=2, in_channels=1, width=8)
assert dense(torch.zeros(1, 1, 16, 16)).shape == (1, 2)
small = prune(copy.deepcopy(dense), "l2_filter", "0.5")
assert verify(dense, small, torch.randn(4, 1, 16, 16)).passed
norms = dict(dense.named_modules())["features.0"].weight.detach().flatten(1).norm(dim=1)
assert small.outcome.kept["features.0"] == sorted(norms.argsort(descending=True)[:4].tolist())

images = load_dataset("halves", cache=Path("cache"))
assert images.classes == ("upper", "lower") and images.train_images.shape[1:] == (16, 16, 1)

logits = np.log([[0.5, 0.3, 0.2], [0.5, 0.2, 0.3], [0.2, 0.3, 0.5]])
assert METRICS.get("top2").function(Predictions(logits, np.array([1, 1, 0])), 15) == 1 / 3

study = load_study("smoke", ["search.kind=optuna", "search.candidates=2", "search.sampler=coin"])
assert len({each.key for each in search(study, "asked").ask(2)}) >= 1
"""


def test_the_examples_do_what_they_are_for(tmp_path: Path) -> None:
    files = {each.file: each.text for each in blocks(ROOT / "CONTRIBUTING.md") if each.file}
    assert set(files) == {"l2_filter.py", "three_convs.py", "halves.py", "second_choice.py", "file_sizes.py", "coin.py"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    ran = subprocess.run(
        [sys.executable, "-c", TRIED],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def test_the_figure_is_drawn(finished: Path, tmp_path: Path) -> None:
    [text] = [each.text for each in blocks(ROOT / "CONTRIBUTING.md") if each.file == "file_sizes.py"]
    names: dict[str, object] = {"__name__": "file_sizes"}
    exec(compile(text, "file_sizes.py", "exec"), names)
    points = candidate_points(read_study_folder(finished))
    [drawn] = names["file_sizes_drawn"](points, tmp_path)  # type: ignore[operator]
    assert {path.suffix for path in drawn.files} == {".png", ".svg"} and all(path.stat().st_size for path in drawn.files)
    assert sorted(drawn.figure["data"][0]["x"]) == sorted(points.at_longest()["size_bytes"].tolist())
