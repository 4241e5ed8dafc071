"""Checkpoints from anywhere: every wrapping loads, everything else is one line and changes nothing."""

from __future__ import annotations

import argparse
import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prune_core.base.errors import BadInput
from prune_core.networks import build_network, load_weights

State = dict[str, Tensor]


def small(name: str = "resnet8", seed: int = 0, **options: Any) -> nn.Module:
    torch.manual_seed(seed)
    return build_network(name, width=4, **options).eval()


def assert_same_weights(network: nn.Module, other: nn.Module) -> None:
    ours, theirs = network.state_dict(), other.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def prefixed(prefix: str, state: State) -> State:
    return OrderedDict((prefix + name, tensor) for name, tensor in state.items())


WRAPPINGS: dict[str, Callable[[State], Any]] = {
    "plain": lambda state: state,
    "state_dict": lambda state: {"state_dict": state, "epoch": 3, "optimizer": {"lr": 0.1}},
    "model": lambda state: {"model": state, "best": 0.9},
    "module.": lambda state: prefixed("module.", state),
    "state_dict and module.": lambda state: {"state_dict": prefixed("module.", state)},
    "model and _orig_mod.module.": lambda state: {"model": prefixed("_orig_mod.module.", state)},
    "module._orig_mod.": lambda state: prefixed("module._orig_mod.", state),
    "model in state_dict": lambda state: {"state_dict": {"model": state}},
    "a NumPy number and arguments beside": lambda state: {
        "state_dict": state,
        "best_prec1": np.float64(91.7),
        "args": argparse.Namespace(depth=20),
    },
}


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".th"])
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_every_wrapping_loads(tmp_path: Path, wrapping: str, suffix: str) -> None:
    source, target = small(seed=1), small(seed=2)
    path = tmp_path / f"checkpoint{suffix}"
    torch.save(WRAPPINGS[wrapping](source.state_dict()), path)
    load_weights(target, path)
    assert_same_weights(target, source)


def test_the_old_format_of_torch_loads(tmp_path: Path) -> None:
    source, target = small(seed=1), small(seed=2)
    torch.save(source.state_dict(), tmp_path / "old.th", _use_new_zipfile_serialization=False)
    load_weights(target, str(tmp_path / "old.th"))
    assert_same_weights(target, source)


def test_a_number_of_the_old_numpy_loads(tmp_path: Path) -> None:
    """NumPy 1 knew the function that makes numbers under another name, which stands in the files of that time."""
    source, target = small(seed=1), small(seed=2)
    torch.save({"state_dict": source.state_dict(), "best": np.float64(0.5)}, tmp_path / "new.pt")
    with zipfile.ZipFile(tmp_path / "new.pt") as new, zipfile.ZipFile(tmp_path / "old.pt", "w") as old:
        for entry in new.infolist():
            content = new.read(entry)
            if entry.filename.endswith("data.pkl"):
                assert b"numpy._core.multiarray" in content
                content = content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
            old.writestr(entry.filename, content)
    load_weights(target, tmp_path / "old.pt")
    assert_same_weights(target, source)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_safetensors_load(tmp_path: Path, prefix: str) -> None:
    source, target = small("preresnet110", seed=1), small("preresnet110", seed=2)
    safetensors.torch.save_file(prefixed(prefix, source.state_dict()), tmp_path / "w.safetensors")
    load_weights(target, tmp_path / "w.safetensors")
    assert_same_weights(target, source)


def test_counters_of_batch_norm_and_selections_may_be_missing(tmp_path: Path) -> None:
    source, target = small("preresnet110", seed=1), small("preresnet110", seed=2)
    kept = {n: t for n, t in source.state_dict().items() if not n.endswith(("num_batches_tracked", "select.index"))}
    torch.save(kept, tmp_path / "w.pt")
    load_weights(target, tmp_path / "w.pt")
    assert_same_weights(target, source)


def test_names_of_the_original_slimming_code(tmp_path: Path) -> None:
    """Projections in a Sequential called downsample, selections as a vector of ones."""
    source, target = small("preresnet110", seed=1), small("preresnet110", seed=2)
    theirs = {}
    for name, tensor in source.state_dict().items():
        is_index = name.endswith("select.index")
        renamed = name.replace("shortcut.weight", "downsample.0.weight").replace("select.index", "select.indexes")
        theirs[renamed] = torch.ones(len(tensor)) if is_index else tensor
    torch.save({"state_dict": theirs}, tmp_path / "w.pth.tar")
    load_weights(target, tmp_path / "w.pth.tar")
    assert_same_weights(target, source)


def public_resnet_state(blocks: int, width: int, classes: int, head: str) -> State:
    """Return random weights under the names of the public CIFAR ResNets, without any code of ours."""
    generator = torch.Generator().manual_seed(5)
    state: State = {}

    def norm(name: str, channels: int) -> None:
        state[f"{name}.weight"] = torch.rand(channels, generator=generator) + 0.5
        state[f"{name}.bias"] = torch.randn(channels, generator=generator) * 0.1
        state[f"{name}.running_mean"] = torch.randn(channels, generator=generator) * 0.1
        state[f"{name}.running_var"] = torch.rand(channels, generator=generator) + 0.5
        state[f"{name}.num_batches_tracked"] = torch.tensor(7)

    def conv(name: str, fan_in: int, fan_out: int) -> None:
        state[f"{name}.weight"] = torch.randn(fan_out, fan_in, 3, 3, generator=generator) / (3 * fan_in**0.5)

    conv("conv1", 3, width)
    norm("bn1", width)
    channels = width
    for stage in range(3):
        for block in range(blocks):
            wide = width * 2**stage
            conv(f"layer{stage + 1}.{block}.conv1", channels, wide)
            norm(f"layer{stage + 1}.{block}.bn1", wide)
            conv(f"layer{stage + 1}.{block}.conv2", wide, wide)
            norm(f"layer{stage + 1}.{block}.bn2", wide)
            channels = wide
    state[f"{head}.weight"] = torch.randn(classes, channels, generator=generator)
    state[f"{head}.bias"] = torch.randn(classes, generator=generator)
    return state


def public_resnet_forward(state: State, images: Tensor, head: str) -> Tensor:
    """Evaluate the CIFAR ResNet of He et al. with option A from its weights alone."""

    def norm(name: str, maps: Tensor) -> Tensor:
        of: dict[str, Any] = {key: state[f"{name}.{key}"] for key in ("running_mean", "running_var", "weight", "bias")}
        return F.batch_norm(maps, **of)

    maps = F.relu(norm("bn1", F.conv2d(images, state["conv1.weight"], padding=1)))
    blocks = sorted({key.rsplit(".", 2)[0] for key in state if key.startswith("layer")})
    for block in blocks:
        stride = 2 if block in ("layer2.0", "layer3.0") else 1
        inner = F.relu(norm(f"{block}.bn1", F.conv2d(maps, state[f"{block}.conv1.weight"], stride=stride, padding=1)))
        inner = norm(f"{block}.bn2", F.conv2d(inner, state[f"{block}.conv2.weight"], padding=1))
        beside = maps
        if stride == 2:
            beside = torch.zeros_like(inner)
            quarter = inner.shape[1] // 4
            beside[:, quarter : quarter + maps.shape[1]] = maps[:, :, 0::2, 0::2]
        maps = F.relu(inner + beside)
    pooled = F.avg_pool2d(maps, maps.shape[-1]).flatten(1)
    return pooled @ state[f"{head}.weight"].T + state[f"{head}.bias"]


@pytest.mark.parametrize("head", ["linear", "fc"])
def test_public_cifar_resnets_give_their_own_outputs(tmp_path: Path, head: str) -> None:
    state = public_resnet_state(3, 16, 10, head)
    torch.save({"state_dict": prefixed("module.", state), "best_prec1": 91.73}, tmp_path / "resnet20.th")
    network = build_network("resnet20").eval()
    load_weights(network, tmp_path / "resnet20.th")
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(network(images), public_resnet_forward(state, images, head), rtol=1e-4, atol=1e-4)


def test_public_resnets_with_projections_load(tmp_path: Path) -> None:
    source, target = small(seed=1, shortcut="b"), small(seed=2, shortcut="b")
    theirs = {name.replace("shortcut", "downsample"): tensor for name, tensor in source.state_dict().items()}
    torch.save(theirs, tmp_path / "w.pt")
    load_weights(target, tmp_path / "w.pt")
    assert_same_weights(target, source)


def refused(network: nn.Module, path: Path) -> str:
    """Return the message, after checking that it is one line and that the network did not change."""
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(BadInput) as caught:
        load_weights(network, path)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    return str(caught.value)


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    state = small().state_dict()
    state["other.weight"] = torch.zeros(2)
    state["fc.weight"] = torch.zeros(100, 16)
    del state["conv1.weight"], state["layer2.0.bn1.running_mean"]
    torch.save(state, tmp_path / "w.pt")
    message = refused(small(), tmp_path / "w.pt")
    assert "does not fit resnet8" in message
    assert "missing: conv1.weight, layer2.0.bn1.running_mean;" in message
    assert "unexpected: other.weight;" in message
    assert "of another shape: fc.weight (100, 16) instead of (10, 16)" in message


def test_another_networks_checkpoint_gives_a_short_line(tmp_path: Path) -> None:
    torch.save(small("vgg16").state_dict(), tmp_path / "w.pt")
    message = refused(small("preresnet110"), tmp_path / "w.pt")
    assert "more" in message
    assert len(message) < 600


def test_two_names_for_one_parameter_are_not_merged(tmp_path: Path) -> None:
    state = small().state_dict()
    torch.save({**state, "linear.weight": state["fc.weight"] + 1}, tmp_path / "w.pt")
    assert "unexpected: linear.weight" in refused(small(), tmp_path / "w.pt")


def test_whole_numbers_are_no_weights(tmp_path: Path) -> None:
    state = small().state_dict()
    state["conv1.weight"] = torch.ones(4, 3, 3, 3, dtype=torch.int8)
    torch.save(state, tmp_path / "w.pt")
    assert "conv1.weight torch.int8" in refused(small(), tmp_path / "w.pt")


class Malicious:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.target),))


@pytest.mark.parametrize("how", ["torch", "torch old", "pickle", "whole module"])
def test_a_file_that_executes_something_is_refused(tmp_path: Path, how: str) -> None:
    trap, path = tmp_path / "trap", tmp_path / "bad.pt"
    content = {"state_dict": small().state_dict(), "epoch": Malicious(trap)}
    if how == "torch":
        torch.save(content, path)
    elif how == "torch old":
        torch.save(content, path, _use_new_zipfile_serialization=False)
    elif how == "pickle":
        path.write_bytes(pickle.dumps(Malicious(trap), protocol=2))
    else:
        torch.save(small(), path)
    refused(small(), path)
    assert not trap.exists()


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("kept", [0, 1, 7, 100, 0.3, 0.9])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"cut{suffix}"
    state = small().state_dict()
    if suffix == ".pt":
        torch.save(state, path)
    else:
        safetensors.torch.save_file(state, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])
    refused(small(), path)


@pytest.mark.parametrize(
    "content", [b"not a checkpoint\n" * 20, b"\x80\x02.", b"\x80\x02}q\x00.", b"PK\x03\x04" + b"\0" * 64]
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_something_else_is_refused(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"foreign{suffix}"
    path.write_bytes(content)
    refused(small(), path)


@pytest.mark.parametrize(
    "content", [{}, {"state_dict": {}}, [1, 2], {"a": 1}, torch.zeros(3), {"model": torch.zeros(3), "e": 1}]
)
def test_a_file_without_a_state_dict_is_refused(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "w.pt")
    assert "no state dict" in refused(small(), tmp_path / "w.pt")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "no such checkpoint" in refused(small(), tmp_path / "absent.pt")
