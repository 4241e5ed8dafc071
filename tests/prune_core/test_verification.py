"""A right network passes, and each kind of wrong one fails by the check that is there for it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from prune_core.base.errors import BadInput
from prune_core.networks import build_network, convolutions
from prune_core.pruning import LayerOutcome, outcome_of, prune, remove_channels
from prune_core.verification import CHECKS, verify

IMAGES = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(5))


def dense_network(name: str = "small_vgg") -> nn.Module:
    torch.manual_seed(0)
    network = build_network(name, width=8)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.2, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
    return network


def failed(dense: nn.Module, pruned: nn.Module) -> list[str]:
    found = verify(dense, pruned, IMAGES).to_dict()
    assert found["passed"] is (found["reason"] is None)
    return [name for name, check in found["checks"].items() if not check["passed"]]


def test_the_findings_are_complete_and_plain() -> None:
    dense = dense_network("resnet8")
    before = {name: tensor.clone() for name, tensor in dense.state_dict().items()}
    state = torch.get_rng_state()
    found = verify(dense, prune(dense, "l1_filter", "0.5"), IMAGES[:1])
    assert found.passed, found.reason
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert list(plain["checks"]) == list(CHECKS)
    assert plain["checks"]["ratio"]["got"] == 0.5
    assert plain["checks"]["ratio"]["layers"]["layer1.0.conv1"] == {"total": 8, "kept": 4, "asked": 4, "note": ""}
    counts = plain["checks"]["counts"]
    assert counts["macs"] == counts["macs_by_operator"] > 0
    assert counts["parameters"] == counts["parameters_by_state_dict"] > 0
    assert "residual" in plain["left_alone"]["conv1"]
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in dense.state_dict().items())


def swapped_filters(pruned: nn.Module) -> None:
    weight = convolutions(pruned)[0][1].weight
    weight.data = weight.data.flip(0).contiguous()


def one_channel_less(pruned: nn.Module) -> None:
    name = convolutions(pruned)[0][0]
    kept = outcome_of(pruned).kept[name]
    remove_channels(pruned, {name: list(range(len(kept) - 1))})


def forgotten_norm(pruned: nn.Module) -> None:
    norm = next(module for module in pruned.modules() if isinstance(module, nn.BatchNorm2d))
    norm.bias.data += 1e-5


def infinite(pruned: nn.Module) -> None:
    convolutions(pruned)[0][1].weight.data[0] = float("inf")


def regrown(pruned: nn.Module) -> None:
    weight = convolutions(pruned)[0][1].weight
    weight.data[weight.data == 0] = 1e-3


def one_more_zero(pruned: nn.Module) -> None:
    weight = convolutions(pruned)[0][1].weight.data.view(-1)
    weight[weight.nonzero()[0]] = 0


def false_outcome(pruned: Any) -> None:
    first, *rest = outcome_of(pruned).layers
    layers = [LayerOutcome(first.name, first.total, first.kept - 1), *rest]
    pruned.outcome = dataclasses.replace(outcome_of(pruned), layers=layers)


def other_count(pruned: Any) -> None:
    pruned.outcome = dataclasses.replace(outcome_of(pruned), ratio="0.6")


def detached(pruned: nn.Module) -> None:
    convolutions(pruned)[0][1].register_forward_hook(lambda _m, _i, maps: maps.detach())


@pytest.mark.parametrize(
    ("method", "damage", "checks"),
    [
        ("l1_filter", swapped_filters, {"removed_equals_masked"}),
        ("l1_filter", forgotten_norm, {"removed_equals_masked"}),
        ("l1_filter", one_channel_less, {"removed_equals_masked", "ratio"}),
        ("l1_filter", false_outcome, {"ratio"}),
        ("l1_filter", infinite, {"removed_equals_masked", "gradients", "round_trip"}),
        ("l1_filter", detached, {"gradients"}),
        ("network_slimming", other_count, {"ratio"}),
        ("unstructured", other_count, {"ratio"}),
        ("unstructured", regrown, {"removed_equals_masked", "ratio"}),
        ("unstructured", one_more_zero, {"removed_equals_masked", "ratio"}),
    ],
)
def test_damage_is_found(method: str, damage: Callable[[nn.Module], None], checks: set[str]) -> None:
    dense = dense_network()
    pruned = prune(dense, method, "0.5")
    assert failed(dense, pruned) == []
    damage(pruned)
    assert set(failed(dense, pruned)) == checks


def test_a_network_that_cannot_compute_fails_with_the_reason() -> None:
    dense = dense_network()
    pruned = prune(dense, "l1_filter", "0.5")
    convolution = convolutions(pruned)[1][1]
    convolution.weight = nn.Parameter(convolution.weight[:, 1:].detach())
    found = verify(dense, pruned, IMAGES)
    assert not found.passed
    assert "removed_equals_masked: RuntimeError" in str(found.reason)
    assert "\n" not in str(found.reason)


@pytest.mark.parametrize("method", ["unstructured", "l1_filter", "network_slimming", "random_channels"])
def test_a_second_round_is_verified_against_the_first(method: str) -> None:
    first = prune(dense_network("small_preresnet"), method, "0.3")
    assert failed(first, prune(first, method, "0.6")) == []


@pytest.mark.parametrize(("method", "options"), [("unstructured", {"scope": "layerwise"}), ("l1_filter", {"round_to": 4})])
def test_options_pass(method: str, options: dict[str, object]) -> None:
    dense = dense_network()
    assert failed(dense, prune(dense, method, "0.7", **options)) == []


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_callers_gradient_mode_does_not_matter(mode: type) -> None:
    dense = dense_network()
    pruned = prune(dense, "l1_filter", "0.5")
    with mode():
        assert failed(dense, pruned) == []


def test_bad_input() -> None:
    dense = dense_network()
    with pytest.raises(BadInput, match="no pruning outcome"):
        verify(dense, dense, IMAGES)
    with pytest.raises(BadInput, match="N, C, H, W"):
        verify(dense, prune(dense, "l1_filter", "0.5"), IMAGES[0])


def test_a_product_that_no_list_of_functions_names_is_settled_by_torch() -> None:
    class Summing(nn.Module):
        """Its head is written as an einsum."""

        def __init__(self, num_classes: int) -> None:
            super().__init__()
            self.conv, self.head = nn.Conv2d(3, 6, 3), nn.Parameter(torch.ones(6, num_classes))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.einsum("nchw,ck->nk", self.conv(images), self.head)

    dense = Summing(4)
    dense.architecture = build_network("small_vgg", width=4).architecture
    counts = verify(dense, prune(dense, "unstructured", "0.5"), IMAGES).to_dict()["checks"]["counts"]
    assert counts["passed"], counts["reason"]
    assert counts["macs"] == counts["macs_by_operator"] >= 6 * 3 * 9 * 14 * 14 + 6 * 4
