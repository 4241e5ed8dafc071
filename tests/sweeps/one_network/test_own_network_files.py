"""A network of the user's own from the command line: its module, what a file says of it, and the normalisation."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from prune_core.base.errors import BadInput
from prune_core.networks import NETWORKS, architecture_of, build_network
from prune_core.networks.defining_module import DefiningModule
from prune_core.pruning import load_network, save_network
from prune_core.pruning.normalisation import Normalisation, input_text, normalisation_in
from tests.end_to_end.running import prunefront

MODULE = """
from torch import nn
from prune_core.networks import NETWORKS

@NETWORKS.register("walked_network")
def build(*, num_classes: int, in_channels: int, width: int = 4) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(in_channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1),
        nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, num_classes),
    )
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a module, a checkpoint of its network, images, and the network pruned."""
    place = tmp_path_factory.mktemp("own")
    (place / "walked_module.py").write_text(MODULE)
    save = "import torch, walked_module as own; torch.save(own.build(num_classes=3, in_channels=1).state_dict(), 'own.pth')"
    subprocess.run([sys.executable, "-c", save], cwd=place, check=True)
    draw = np.random.default_rng(0)
    images, labels = draw.integers(0, 256, (30, 16, 16, 1), dtype=np.uint8), np.arange(30) % 3
    np.savez(place / "images.npz", images=images, labels=labels)
    asked = ("--network", "walked_network", "--data", "arrays:images.npz", "--mean", "0.4", "--std", "0.2")
    pruned = prunefront(
        *(
            "prune",
            "own.pth",
            "--plugin",
            "walked_module",
            "--method",
            "l1_filter",
            "--ratio",
            "0.5",
            "-o",
            "small.safetensors",
        ),
        *asked,
        cwd=place,
    )
    assert pruned.returncode == 0, pruned.stderr
    assert "normalised: mean 0.4; std 0.2 (as given)" in pruned.stdout
    return place


def test_a_file_says_which_module_builds_its_network(place: Path) -> None:
    with safe_open(place / "small.safetensors", "pt") as opened:
        said = json.loads(opened.metadata()["module"])
    digest = hashlib.sha256((place / "walked_module.py").read_bytes()).hexdigest()
    assert said == {"name": "walked_module", "code": {"walked_module": digest}}


def test_without_its_module_one_line_says_what_to_do(place: Path) -> None:
    refused = prunefront("evaluate", "small.safetensors", "--data", "arrays:images.npz", cwd=place)
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert all(part in refused.stderr for part in ("walked_network", "--plugin walked_module", "import walked_module first"))
    unnamed = prunefront("evaluate", "own.pth", "--network", "walked_network", "--data", "arrays:images.npz", cwd=place)
    assert unnamed.returncode == 2
    assert "--plugin MODULE" in unnamed.stderr
    with pytest.raises(BadInput, match="--plugin walked_module"):
        load_network(place / "small.safetensors")


def test_evaluate_takes_the_normalisation_of_the_file(place: Path) -> None:
    asked = ("evaluate", "small.safetensors", "--plugin", "walked_module", "--data", "arrays:images.npz")
    table = prunefront(*asked, cwd=place)
    assert "normalised: mean 0.4; std 0.2 (from the file's header)" in table.stdout
    record = json.loads(prunefront(*asked, "--json", cwd=place).stdout)
    assert record["normalisation"] == "mean 0.4; std 0.2 (from the file's header)"
    with np.load(place / "images.npz") as arrays:
        labels = arrays["labels"]
    script = (
        "import sys, walked_module, torch; from prune_core.pruning import load_network; import numpy as np;"
        "images = np.load('images.npz')['images'];"
        "network = load_network('small.safetensors').eval();"
        "shown = torch.from_numpy(((images / np.float32(255) - np.float32(.4)) / np.float32(.2)).transpose(0, 3, 1, 2));"
        "np.save('logits.npy', network(shown).detach().numpy())"
    )
    subprocess.run([sys.executable, "-c", script], cwd=place, check=True)
    logits = torch.from_numpy(np.load(place / "logits.npy"))
    by_hand = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels))
    assert record["nll"] == pytest.approx(float(by_hand), abs=1e-5)
    other = prunefront(*asked, "--std", "0.3", cwd=place)
    assert "normalised: mean 0.4; std 0.3 (std as given, mean from the file's header)" in other.stdout
    assert "warning: std as given, but the header of the network's file says std 0.2" in other.stdout


def test_a_changed_module_is_said(place: Path) -> None:
    text = (place / "walked_module.py").read_text()
    try:
        (place / "walked_module.py").write_text(text + "\n# edited\n")
        asked = ("evaluate", "small.safetensors", "--plugin", "walked_module", "--data", "arrays:images.npz")
        assert "the code of walked_module (walked_network) is not the one that the file was made with" in (
            prunefront(*asked, cwd=place).stdout
        )
    finally:
        (place / "walked_module.py").write_text(text)


def test_the_dataset_decides_where_nobody_says_otherwise(place: Path) -> None:
    table = prunefront(
        *("evaluate", "own.pth", "--plugin", "walked_module", "--network", "walked_network", "--data", "arrays:images.npz"),
        cwd=place,
    )
    with np.load(place / "images.npz") as arrays:
        unit = arrays["images"] / 255
    assert f"normalised: mean {unit.mean():.4g}; std {unit.std():.4g} (the default of the dataset)" in table.stdout


@pytest.mark.parametrize("name", ["module.py", "./module", "folder/module.py", "a module"])
def test_a_file_is_no_module_name(place: Path, name: str) -> None:
    refused = prunefront("evaluate", "own.pth", "--plugin", name, "--data", "digits", cwd=place)
    assert refused.returncode == 2
    assert "is not the name of a module" in refused.stderr


def test_networks_that_ship_need_no_module(tmp_path: Path) -> None:
    save_network(build_network("small_vgg", width=4), tmp_path / "own.safetensors")
    with safe_open(tmp_path / "own.safetensors", "pt") as opened:
        assert "module" not in opened.metadata()
    assert architecture_of(load_network(tmp_path / "own.safetensors")).name == "small_vgg"
    assert NETWORKS.module("small_vgg") is None


@pytest.mark.parametrize("text", ["[]", "{", '{"name": "os; x", "code": {}}', '{"name": 3, "code": {}}', '{"name": "m"}'])
def test_a_header_that_names_no_module_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"module|Expecting"):
        DefiningModule.from_header_text(text)


@pytest.mark.parametrize("bad", [{"mean": [0.5], "std": [0.0]}, {"mean": [0.5], "std": [0.1, 1]}, {"mean": "", "std": [1]}])
def test_a_header_without_a_normalisation_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="no normalisation"):
        normalisation_in({"input": json.dumps(bad)})
    assert normalisation_in({}) is None
    text = input_text((1, 8, 8), Normalisation((0.25,), (0.5,)))
    assert normalisation_in({"input": text}) == Normalisation((0.25,), (0.5,))
