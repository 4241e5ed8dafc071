"""One pass: which images reach the network, what is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from prune_core.base.errors import BadInput, Diverged
from prune_core.evaluation.evaluation import (
    LogitSet,
    evaluate_network,
    forward_logits,
    recommended_environment,
    record_columns,
)
from prune_core.metrics import softmax

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


class Counting(nn.Module):
    """A small network with batch norm and dropout that remembers how it was called."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.convolution = nn.Conv2d(channels, 6, 3)
        self.norm = nn.BatchNorm2d(6)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(6, 4)
        self.batches: list[int] = []
        self.flags: list[bool] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(x))
        self.flags.append(self.training)
        return self.head(self.drop(torch.relu(self.norm(self.convolution(x)))).mean((2, 3)))


class Cells:
    """Corrupted pictures that differ by corruption, severity and image."""

    def __init__(self, images: Any, names: Sequence[str] = ("fog", "snow")) -> None:
        self.images = images
        self.corruptions = names

    def cell(self, corruption: str, severity: int) -> Any:
        return (self.images // (1 + severity + 3 * list(self.corruptions).index(corruption))).astype(np.uint8)


@pytest.fixture
def images() -> Any:
    return np.random.default_rng(0).integers(0, 256, (70, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def labels() -> Any:
    return np.random.default_rng(1).integers(0, 4, 70)


def plainly(network: nn.Module, images: Any) -> Any:
    x = torch.tensor(images.transpose(0, 3, 1, 2)).float() / 255
    x = (x - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
    network.eval()
    with torch.no_grad():
        return network(x).numpy()


@pytest.mark.parametrize("batch_size", [1, 32, 64, 70, 1000])
def test_logits_are_those_of_the_clean_test_pipeline(images: Any, batch_size: int) -> None:
    network = Counting()
    logits = forward_logits(network, images, MEAN, STD, batch_size=batch_size)
    assert logits.dtype == np.float32
    assert sum(network.batches) == 70
    assert max(network.batches) == min(batch_size, 70)
    assert logits == pytest.approx(plainly(Counting(), images), abs=1e-5)


def test_gray_images(images: Any) -> None:
    assert forward_logits(Counting(1), images[..., :1], [0.5], [0.5]).shape == (70, 4)


def test_the_network_comes_back_as_it_was(images: Any) -> None:
    network = Counting().train()
    network.norm.eval()
    network.convolution.weight.requires_grad_()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    storage, strides = network.convolution.weight.data_ptr(), network.convolution.weight.stride()
    forward_logits(network, images, MEAN, STD)
    assert not any(network.flags)
    assert network.training
    assert network.drop.training
    assert not network.norm.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert (network.convolution.weight.data_ptr(), network.convolution.weight.stride()) == (storage, strides)
    network.train()(torch.rand(2, 3, 8, 8)).sum().backward()  # still trains
    assert network.convolution.weight.grad is not None


def test_flags_come_back_after_an_error(images: Any) -> None:
    network = nn.Sequential(nn.Conv2d(3, 2, 9)).train()  # larger than the images
    with pytest.raises(RuntimeError):
        forward_logits(network, images, MEAN, STD)
    assert network.training
    assert network[0].training


def test_each_image_is_forwarded_once_in_full_batches(images: Any, labels: Any) -> None:
    network, chosen = Counting(), np.arange(0, 70, 7)
    judged = evaluate_network(
        network, images, labels, mean=MEAN, std=STD, corrupted=Cells(images[chosen]), cell_index=chosen, batch_size=32
    )
    assert sum(network.batches) == 70 + 2 * 5 * 10
    # The five severities of 10 images are one stream: 32 + 18, not five batches of 10.
    assert network.batches == [32, 32, 6] + 2 * [32, 18]
    assert judged.cells["snow"].shape == (5, 10, 4)
    assert judged.cells["snow"].dtype == np.float16
    assert judged.clean.dtype == np.float32
    assert np.array_equal(judged.cell_labels, labels[chosen])


def test_cells_of_all_images_or_of_the_chosen_ones_are_the_same(images: Any, labels: Any) -> None:
    chosen = np.array([1, 5, 40])
    whole, part = (
        evaluate_network(Counting(), images, labels, mean=MEAN, std=STD, corrupted=Cells(given), cell_index=chosen)
        for given in (images, images[chosen])
    )
    assert np.array_equal(whole.cells["fog"], part.cells["fog"])
    with pytest.raises(BadInput, match="69 images"):
        evaluate_network(Counting(), images, labels, mean=MEAN, std=STD, corrupted=Cells(images[1:]), cell_index=chosen)


def test_each_cell_holds_its_own_images(images: Any, labels: Any) -> None:
    cells = Cells(images)
    judged = evaluate_network(Counting(), images, labels, mean=MEAN, std=STD, corrupted=cells)
    for name in cells.corruptions:
        for severity in range(1, 6):
            expected = softmax(plainly(Counting(), cells.cell(name, severity)))
            assert softmax(judged.cells[name][severity - 1]) == pytest.approx(expected, abs=2e-3)


def test_float16_cells_keep_close_calls_apart() -> None:
    class Close(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.tensor([[1000.0, 1000.01, -1e9]]).expand(len(x), 3)

    images = np.zeros((2, 4, 4, 3), np.uint8)
    judged = evaluate_network(Close(), images, np.array([1, 0]), mean=MEAN, std=STD, corrupted=Cells(images, ("fog",)))
    found = judged.cell_predictions()
    assert found is not None
    assert found.correct[0, 0].tolist() == [True, False]
    assert np.float16(1000.0) == np.float16(1000.01)  # what plain float16 would have made of them


def test_a_network_that_diverged_says_so(images: Any, labels: Any) -> None:
    network = Counting()
    nn.init.constant_(network.head.bias, float("nan"))
    with pytest.raises(Diverged):
        evaluate_network(network, images, labels, mean=MEAN, std=STD)
    bad = LogitSet(labels, np.full((70, 4), np.inf, np.float32))
    with pytest.raises(Diverged):
        record_columns(selection=bad, report=None, train=None, bins=15)


def test_wrong_images_say_so(images: Any) -> None:
    for given, mean in [(images.astype(np.float32), MEAN), (images[0], MEAN), (images, (0.5,)), (images[:0], MEAN)]:
        with pytest.raises(BadInput):
            forward_logits(Counting(), given, mean, STD)
    with pytest.raises(BadInput, match="batch_size"):
        forward_logits(Counting(), images, MEAN, STD, batch_size=0)
    with pytest.raises(BadInput, match="positive"):
        forward_logits(Counting(), images, MEAN, (0.0, 1.0, 1.0))


def test_allocator_settings_are_plain_environment() -> None:
    settings = recommended_environment()
    assert set(settings) == {"MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_"}
    assert all(int(value) >= 256 << 20 for value in settings.values())
