"""What every pruning method keeps to, whoever adds it: run over all members of the registry."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from prune_core.base.errors import BadInput
from prune_core.networks import build_network, convolutions
from prune_core.pruning import METHODS, outcome_of, prune
from prune_core.pruning.method import plain_options
from prune_core.verification import verify

IMAGES = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(5))
BATCHES = [(IMAGES, torch.tensor([0, 1, 2, 3]))]
NAMES = METHODS.names()
NETWORKS_HERE = ["small_vgg", "resnet8", "small_preresnet"]


def options_of(method: str) -> dict[str, object]:
    return {"batches": BATCHES} if METHODS.get(method).needs_batches else {}


def dense_network(name: str) -> nn.Module:
    torch.manual_seed(0)
    return build_network(name, width=8)


@pytest.mark.parametrize("name", NETWORKS_HERE)
@pytest.mark.parametrize("method", NAMES)
def test_pruned_networks_prove_themselves(method: str, name: str) -> None:
    dense = dense_network(name)
    pruned = prune(dense, method, "0.5", **options_of(method))
    found = verify(dense, pruned, IMAGES)
    assert found.passed, found.reason
    outcome = outcome_of(pruned)
    assert outcome.removed + outcome.rescued == outcome.asked_removed > 0
    if outcome.granularity == "weights":
        weights = {name: module.weight for name, module in convolutions(pruned)}
        assert sum(int((weight == 0).sum()) for weight in weights.values()) == outcome.removed
        assert outcome.removed == int(0.5 * sum(weight.numel() for weight in weights.values()))
    else:
        assert all(layer.kept >= 1 for layer in outcome.layers)
        assert outcome.removed == sum(layer.total - len(outcome.kept[layer.name]) for layer in outcome.layers)


@pytest.mark.parametrize("method", NAMES)
def test_ratio_zero_prunes_nothing(method: str) -> None:
    dense = dense_network("small_vgg")
    for rule in ("exact", "paper"):
        pruned = prune(dense, method, 0, rule=rule, **options_of(method))
        state = pruned.state_dict()
        assert all(torch.equal(tensor, state[name]) for name, tensor in dense.state_dict().items())
        assert outcome_of(pruned).removed == 0
        assert pruned.architecture == dense.architecture


@pytest.mark.parametrize("method", NAMES)
def test_everything_but_a_rest_can_go(method: str) -> None:
    dense = dense_network("small_vgg")
    pruned = prune(dense, method, "0.99", **options_of(method))
    found = verify(dense, pruned, IMAGES)
    assert found.passed, found.reason
    assert pruned(IMAGES).shape == (4, 10)


@pytest.mark.parametrize("method", NAMES)
def test_same_input_same_choice_and_larger_ratio_removes_more(method: str) -> None:
    dense = dense_network("resnet8")
    first, second = (prune(dense, method, 0.3, **options_of(method)) for _ in range(2))
    assert outcome_of(first).to_dict() == outcome_of(second).to_dict()
    assert all(torch.equal(mask, outcome_of(second).masks[name]) for name, mask in outcome_of(first).masks.items())
    assert outcome_of(prune(dense, method, 0.6, **options_of(method))).removed > outcome_of(first).removed


@pytest.mark.parametrize("method", NAMES)
def test_scores_are_finite_and_of_the_right_shape(method: str) -> None:
    dense = dense_network("small_preresnet")
    before = copy.deepcopy(dense.state_dict())
    outcome = outcome_of(prune(dense, method, "0.4", **options_of(method)))
    assert all(torch.equal(tensor, before[name]) for name, tensor in dense.state_dict().items())
    assert outcome.granularity == METHODS.get(method).granularity
    for name, mask in outcome.masks.items():
        assert mask.shape == dense.get_parameter(name).shape


@pytest.mark.parametrize("method", NAMES)
def test_options_are_plain_and_guarded(method: str) -> None:
    entry = METHODS.get(method)
    assert "layers" in plain_options(entry.Options())
    with pytest.raises(BadInput, match="nonsense"):
        prune(dense_network("small_vgg"), method, "0.5", nonsense=1)
    with pytest.raises(BadInput, match="rule"):
        entry.Options(rule="roughly")
    assert entry.source
