"""Networks that compute images of one size only are traced with images of that size."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from prune_core.base.errors import BadInput
from prune_core.networks import NETWORKS, build_network
from prune_core.networks.answers import refuse_unable
from prune_core.pruning import outcome_of, prune
from prune_core.pruning.probe import for_images
from prune_core.verification import verify


@pytest.fixture(name="flat", autouse=True)
def _flat() -> Iterator[None]:
    """A network that flattens maps of one size, as most small ones do."""

    @NETWORKS.register("flat_of")
    def build(*, num_classes: int, in_channels: int, height: int = 16, width: int = 16) -> nn.Module:
        layers = [nn.Conv2d(in_channels, 8, 3, padding=1), nn.Dropout2d(0.1), nn.ReLU(), nn.Flatten()]
        return nn.Sequential(*layers, nn.Linear(8 * height * width, num_classes))

    yield
    del NETWORKS._entries["flat_of"]


def test_a_usual_size_is_found_without_being_told(recwarn: pytest.WarningsRecorder) -> None:
    pruned = prune(build_network("flat_of", num_classes=4, in_channels=1), "l1_filter", 0.5)
    assert outcome_of(pruned).removed == 4
    assert pruned(torch.zeros(2, 1, 16, 16)).shape == (2, 4)
    assert not recwarn.list, "tracing makes layers warn of shapes that nobody gave"


def test_any_other_size_is_that_of_the_images() -> None:
    dense = build_network("flat_of", num_classes=4, in_channels=3, height=18, width=30)
    with pytest.raises(BadInput, match=r"images of none of these sizes, .*32x32, 28x28, .*\(at 32x32: RuntimeError: .*mat1"):
        prune(dense, "l1_filter", 0.5)
    with for_images(18, 30):
        pruned = prune(dense, "l1_filter", 0.5)
    assert pruned(torch.zeros(2, 3, 18, 30)).shape == (2, 4)
    with for_images(18, 31), pytest.raises(BadInput, match=r"32x32, 28x28, 18x31 \(at 18x31: RuntimeError: .*mat1"):
        prune(dense, "l1_filter", 0.5)


def test_what_a_network_cannot_take_or_does_not_answer_is_one_line() -> None:
    network = build_network("flat_of", num_classes=4, in_channels=1)
    refuse_unable(network, (16, 16, 1), 4)
    with pytest.raises(BadInput, match=r"^it does not take images of 8x8x1: RuntimeError: .*mat1"):
        refuse_unable(network, (8, 8, 1), 4)
    with pytest.raises(BadInput, match=r"^for two images it returns a tensor of shape \(2, 4\), not \(2, 5\)$"):
        refuse_unable(network, (16, 16, 1), 5)
    with pytest.raises(BadInput, match=r"^the network returns values of shape \(2, 8, 16, 16\), not logits"):
        refuse_unable(network[:3], (16, 16, 1), 4)  # type: ignore[index]


def test_weights_of_a_network_without_convolutions() -> None:
    @NETWORKS.register("flat_only")
    def build(*, num_classes: int, in_channels: int) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(64 * in_channels, 10), nn.ReLU(), nn.Linear(10, num_classes))

    try:
        dense = build_network("flat_only", num_classes=4, in_channels=1)
        pruned = prune(dense, "unstructured", 0.5, linear=True)
        assert (outcome_of(pruned).removed, outcome_of(pruned).total) == (340, 680)
        assert verify(dense, pruned, torch.randn(2, 1, 8, 8)).passed
        with pytest.raises(BadInput, match="the network has no convolution; linear layers join with the option linear"):
            prune(dense, "unstructured", 0.5)
        for method in ("l1_filter", "network_slimming"):
            with pytest.raises(BadInput, match="no prunable layer: the network has no convolution$"):
                prune(dense, method, 0.5)
    finally:
        del NETWORKS._entries["flat_only"]
