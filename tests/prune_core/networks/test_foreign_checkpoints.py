"""Checkpoints as other people save them: masks, computed weights, numbers, paths and dates among the tensors."""

from __future__ import annotations

import argparse
import collections
import datetime
import decimal
import enum
import pathlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

from prune_core.base.errors import BadInput
from prune_core.networks import build_network, load_weights
from prune_core.networks.checkpoint_files import read_state_dict

IMAGES = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(5))
OLD = pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")


class Colour(enum.Enum):
    RED = 1


def trained(name: str = "small_vgg") -> Any:
    torch.manual_seed(0)
    return build_network(name, width=4).eval()


def layers(network: nn.Module) -> list[Any]:
    return [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]


WRAPS: dict[str, Callable[[nn.Module], object]] = {
    "masks": lambda layer: prune.l1_unstructured(layer, "weight", 0.4),
    "filter masks": lambda layer: prune.ln_structured(layer, "weight", 0.5, n=1, dim=0),
    "bias masks": lambda layer: layer.bias is not None and prune.random_unstructured(layer, "bias", 0.5),
    "weight norm": parametrizations.weight_norm,
    "old weight norm": nn.utils.weight_norm,
    "weight norm of all": lambda layer: nn.utils.weight_norm(layer, dim=None),  # type: ignore[arg-type]
    "weight norm of columns": lambda layer: nn.utils.weight_norm(layer, dim=1),
    "spectral norm": parametrizations.spectral_norm,
    "old spectral norm": nn.utils.spectral_norm,
}


@OLD
@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("wrap", WRAPS)
def test_what_a_weight_is_computed_from_becomes_the_weight(wrap: str, prefix: str, tmp_path: Path) -> None:
    theirs = trained()
    for layer in layers(theirs):
        WRAPS[wrap](layer)
    theirs.train()(IMAGES)  # a step of the power iteration, where there is one
    theirs.eval()
    torch.save({prefix + name: tensor for name, tensor in theirs.state_dict().items()}, tmp_path / "a.pt")
    ours = trained("small_vgg")
    load_weights(ours, tmp_path / "a.pt")
    torch.testing.assert_close(ours.eval()(IMAGES), theirs(IMAGES), rtol=1e-5, atol=1e-6)
    for mine, wrapped in zip(layers(ours), layers(theirs), strict=True):
        assert torch.equal(mine.weight == 0, wrapped.weight == 0)


def test_masks_of_a_layer_with_another_name(tmp_path: Path) -> None:
    theirs = trained("resnet8")
    prune.l1_unstructured(theirs.fc, "weight", 0.4)
    torch.save({name.replace("fc.", "linear."): each for name, each in theirs.state_dict().items()}, tmp_path / "a.pt")
    ours = trained("resnet8")
    load_weights(ours, tmp_path / "a.pt")
    assert torch.equal(ours.fc.weight, theirs.fc.weight)
    assert int((ours.fc.weight == 0).sum()) == round(0.4 * ours.fc.weight.numel())


@OLD
@pytest.mark.parametrize("ours_new", [True, False])
def test_weight_norm_of_one_style_in_a_network_of_the_other(ours_new: bool, tmp_path: Path) -> None:
    theirs, ours = trained(), trained()
    styles = (nn.utils.weight_norm, parametrizations.weight_norm)
    for mine, wrapped in zip(layers(ours), layers(theirs), strict=True):
        wrapped.weight.data *= 2
        styles[ours_new](mine)
        styles[not ours_new](wrapped)
    torch.save(theirs.state_dict(), tmp_path / "a.pt")
    load_weights(ours, tmp_path / "a.pt")
    torch.testing.assert_close(ours.eval()(IMAGES), theirs(IMAGES), rtol=1e-5, atol=1e-6)


BESIDE = {
    "number": 3,
    "decimal": decimal.Decimal("0.1"),
    "numpy": np.float32(0.5),
    "numpy integer": np.int64(4),
    "nothing": None,
    "text": "resnet",
    "path": pathlib.PosixPath("/data/set"),
    "pure path": pathlib.PureWindowsPath("C:/data"),
    "moment": datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.UTC),
    "day": datetime.date(2026, 1, 2),
    "span": datetime.timedelta(hours=2),
    "command line": argparse.Namespace(lr=0.1, out=pathlib.PosixPath("x"), betas=(0.9, 0.99)),
    "history": [{"epoch": 1, "loss": 0.5, "classes": {"cat", "dog"}}],
    "counts": collections.Counter("aab"),
    "complex": 1j,
}


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("what", BESIDE)
def test_plain_data_beside_and_among_the_tensors(what: str, nested: bool, tmp_path: Path) -> None:
    state = trained().state_dict()
    content = {what: BESIDE[what], "state_dict": state} if nested else {what: BESIDE[what], **state}
    torch.save(content, tmp_path / "a.pt")
    assert read_state_dict(tmp_path / "a.pt").keys() == state.keys()
    load_weights(trained(), tmp_path / "a.pt")


@pytest.mark.parametrize("value", [Colour.RED, nn.Linear(2, 2), np.zeros(3), Path.cwd])
def test_what_could_run_code_is_refused_with_the_remedy(value: object, tmp_path: Path) -> None:
    torch.save({"state_dict": trained().state_dict(), "extra": value}, tmp_path / "a.pt")
    with pytest.raises(BadInput, match=r"holds more than tensors .*; save the tensors alone: torch\.save\(") as caught:
        load_weights(trained(), tmp_path / "a.pt")
    assert "\n" not in str(caught.value)


def test_tensors_hidden_in_plain_data_are_not_left_out_unseen(tmp_path: Path) -> None:
    torch.save({**trained().state_dict(), "more": [torch.zeros(2)]}, tmp_path / "a.pt")
    with pytest.raises(BadInput, match="no state dict"):
        load_weights(trained(), tmp_path / "a.pt")
