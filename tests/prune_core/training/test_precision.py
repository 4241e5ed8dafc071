"""The switches of float32 arithmetic: as the recipe says while training on a GPU, exact before and after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from prune_core.base.description import content_key
from prune_core.training import Recipe
from prune_core.training.precision import arithmetic, multiply_in, switches_as_at_start


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    cudnn: Any = torch.backends.cudnn
    backends = (torch.backends.cuda.matmul, cudnn.conv, cudnn.rnn)
    before = [backend.fp32_precision for backend in backends]
    yield
    for backend, value in zip(backends, before, strict=True):
        backend.fp32_precision = value


def switches() -> set[str]:
    cudnn: Any = torch.backends.cudnn
    backends = (torch.backends.cuda.matmul, cudnn.conv, cudnn.rnn)
    return {backend.fp32_precision for backend in backends}


@pytest.mark.parametrize(("precision", "expected"), [("fp32", "ieee"), ("bf16", "ieee"), ("tf32", "tf32")])
def test_training_on_a_gpu(precision: str, expected: str) -> None:
    multiply_in("ieee")
    with arithmetic(precision, torch.device("cuda")):
        assert switches() == {expected}
    assert switches() == {"ieee"}
    with pytest.raises(KeyError), arithmetic(precision, torch.device("cuda")):
        raise KeyError
    assert switches() == {"ieee"}


def test_a_network_is_exported_after_a_training_and_the_switches_stay() -> None:
    multiply_in("ieee")
    with switches_as_at_start():
        torch.export.export(torch.nn.Conv2d(3, 4, 3), (torch.zeros(2, 3, 8, 8),))
    assert switches() == {"ieee"}


def test_the_cpu_is_left_alone() -> None:
    multiply_in("tf32")
    with arithmetic("fp32", torch.device("cpu")):
        assert switches() == {"tf32"}


def test_keys_of_recipes_without_tf32_stay() -> None:
    """The hash of the default recipe, computed before there was ``tf32``."""
    assert content_key(Recipe(epochs=2).to_dict()) == "4c8db98974c4e219"
    assert Recipe(precision="tf32").to_dict() == {**Recipe().to_dict(), "precision": "tf32"}
