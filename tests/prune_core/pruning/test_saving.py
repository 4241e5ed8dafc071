"""One file per network: it loads elsewhere, gives the same bits, executes nothing, and says what is wrong with it."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from prune_core.base.errors import BadInput
from prune_core.networks import architecture_of, build_network
from prune_core.pruning import load_network, outcome_of, prune, save_network

IMAGES = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(5))

CLEAN_PROCESS = """
import sys, torch
from prune_core.pruning import load_network
def no_pickle(*_, **__): raise SystemExit("pickle was used")
torch.load = no_pickle
network = load_network(sys.argv[1]).eval()
images = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(5))
print(network(images).detach().numpy().tobytes().hex())
"""


def dense_network(name: str = "small_vgg", **options: Any) -> nn.Module:
    torch.manual_seed(0)
    return build_network(name, width=8, **options)


@pytest.mark.parametrize("method", [None, "unstructured", "l1_filter", "network_slimming"])
@pytest.mark.parametrize("name", ["small_vgg", "resnet8", "small_preresnet"])
def test_the_same_bits_come_back(name: str, method: str | None, tmp_path: Path) -> None:
    network = dense_network(name)
    network = prune(network, method, "0.6") if method else network
    network(IMAGES)  # moves the statistics of the batch norms
    save_network(network, tmp_path / "a.safetensors")
    state = torch.get_rng_state()
    loaded = load_network(tmp_path / "a.safetensors")
    assert torch.equal(torch.get_rng_state(), state)
    assert loaded.training
    assert loaded.architecture == network.architecture
    assert torch.equal(loaded.eval()(IMAGES), network.eval()(IMAGES))
    assert all(parameter.requires_grad for parameter in loaded.parameters())
    if method:
        ours, theirs = outcome_of(network), outcome_of(loaded)
        assert ours.to_dict() == theirs.to_dict()
        assert all(torch.equal(mask, theirs.masks[key]) for key, mask in ours.masks.items())


def test_a_clean_process_reads_it(tmp_path: Path) -> None:
    network = prune(dense_network("resnet8"), "l1_filter", "0.5")
    path = tmp_path / "network.safetensors"
    save_network(network, path)
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads()), "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-c", CLEAN_PROCESS, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == network.eval()(IMAGES).detach().numpy().tobytes().hex()


def test_the_header_is_json_and_the_bytes_are_always_the_same(tmp_path: Path) -> None:
    network = prune(dense_network(), "l1_filter", "0.5", layers=[2])
    for name in ("a", "b"):
        save_network(network, tmp_path / name, metadata={"dataset": "digits", "seed": "1", "mean": "0.5"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with safe_open(tmp_path / "a", framework="np") as opened:
        header = opened.metadata()
    assert header["dataset"] == "digits"
    architecture = json.loads(header["architecture"])
    assert architecture["name"] == "small_vgg"
    assert architecture["options"]["width"] == 8
    assert {name: len(kept) for name, kept in architecture["kept"].items()} == {outcome_of(network).layers[0].name: 8}


def test_reserved_keys(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="reserved"):
        save_network(dense_network(), tmp_path / "a", metadata={"architecture": "mine"})
    assert list(tmp_path.iterdir()) == []


def test_a_network_without_architecture(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        save_network(nn.Linear(2, 2), tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        load_network(tmp_path / "none.safetensors")


@pytest.mark.parametrize("keep", [0, 4, 100, 0.5, -1])
def test_truncated(keep: float, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_network(dense_network(), path)
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data))] if isinstance(keep, float) else data[:keep])
    with pytest.raises(BadInput, match=r"truncated, or not a \.safetensors file") as caught:
        load_network(path)
    assert "\n" not in str(caught.value)


class Malicious:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch executed",)


def test_a_pickle_is_not_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.safetensors"
    path.write_bytes(pickle.dumps(Malicious()))
    with pytest.raises(BadInput):
        load_network(path)
    torch.save({"state_dict": dense_network().state_dict()}, path)
    with pytest.raises(BadInput):
        load_network(path)
    assert not (tmp_path / "executed").exists()


def write_with(path: Path, **changes: object) -> None:
    """Write a small network under a header of somebody's own making."""
    network = dense_network()
    architecture = {**architecture_of(network).to_dict(), **changes}
    save_file(network.state_dict(), path, metadata={"architecture": json.dumps(architecture)})


def test_foreign_files(tmp_path: Path) -> None:
    save_file(dense_network().state_dict(), tmp_path / "bare")
    save_file(dense_network().state_dict(), tmp_path / "text", metadata={"architecture": "{"})
    save_file(dense_network().state_dict(), tmp_path / "list", metadata={"architecture": "[1]"})
    for name in ("bare", "text", "list"):
        with pytest.raises(BadInput) as caught:
            load_network(tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "small_vg"}, "did you mean small_vgg"),
        ({"name": "resnet20"}, "unknown option"),
        ({"name": "vgg11"}, "missing: features"),
        ({"options": {"num_classes": 10, "in_channels": 3, "width": 200_000}}, "of another shape"),
        ({"options": {"num_classes": 10, "in_channels": 3, "width": 9}}, "of another shape"),
        ({"options": {"depth": 3}}, "option"),
        ({"options": {"name": "vgg16"}}, "does not describe a network"),
        ({"options": []}, "not the description of a network"),
        ({"kept": {"features.0": [0, 1]}}, "of another shape"),
        ({"kept": {"features.0": [7, 99]}}, "ascending integers"),
        ({"kept": {"../../etc": [0]}}, "no channel group"),
    ],
)
def test_headers_that_lie(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_with(path, **changes)
    with pytest.raises(BadInput, match=message) as caught:
        load_network(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_an_outcome_that_lies(tmp_path: Path) -> None:
    network = dense_network()
    metadata = {"architecture": json.dumps(architecture_of(network).to_dict()), "outcome": json.dumps({"method": "x"})}
    save_file(network.state_dict(), tmp_path / "a", metadata=metadata)
    with pytest.raises(BadInput, match="does not describe"):
        load_network(tmp_path / "a")
