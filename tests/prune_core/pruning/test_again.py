"""Pruning a network that is pruned already: on from there, or refused with what was done."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from prune_core.base.errors import BadInput
from prune_core.networks import build_network, load_weights
from prune_core.pruning import load_network, outcome_of, prune, save_network
from prune_core.verification import verify

IMAGES = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(5))


def saved(method: str, ratio: str, folder: Path, **options: object) -> nn.Module:
    torch.manual_seed(0)
    save_network(prune(build_network("small_preresnet", width=8), method, ratio, **options), folder / "a.safetensors")
    return load_network(folder / "a.safetensors")


SAME = ["unstructured", "lamp", "random_weights", "l1_filter", "random_filters", "network_slimming", "random_channels"]


@pytest.mark.parametrize("method", SAME)
def test_less_than_is_gone_is_refused_and_more_goes_on(method: str, tmp_path: Path) -> None:
    first = saved(method, "0.6", tmp_path)
    before = outcome_of(first)
    for ratio in ("0", "0.5"):
        with pytest.raises(BadInput, match=rf"pruned already: {method} at ratio 0\.6 took {before.removed:,} of ") as caught:
            prune(first, method, ratio)
        assert "\n" not in str(caught.value)
    second = prune(first, method, "0.8")
    assert outcome_of(second).total == before.total
    assert outcome_of(second).removed > before.removed
    found = verify(first, second, IMAGES)
    assert found.passed, found.reason


@pytest.mark.parametrize("method", SAME)
def test_the_ratio_that_the_message_allows_is_allowed(method: str, tmp_path: Path) -> None:
    first = saved(method, "0.6", tmp_path)
    with pytest.raises(BadInput) as caught:
        prune(first, method, "0.1")
    least = str(caught.value).split("a ratio of ")[1].split(" or more")[0]
    found = verify(first, prune(first, method, least), IMAGES)
    assert found.passed, found.reason


def test_layers_that_another_method_thinned_more(tmp_path: Path) -> None:
    first = saved("network_slimming", "0.6", tmp_path)
    with pytest.raises(BadInput, match=r"pruned already: network_slimming .* and asks for \d+ in "):
        prune(first, "l1_filter", "0.05")


def test_weights_after_filters_count_what_is_left(tmp_path: Path) -> None:
    first = saved("l1_filter", "0.5", tmp_path)
    second = prune(first, "unstructured", "0.3")
    weights = [module.weight for module in first.modules() if isinstance(module, nn.Conv2d)]
    assert outcome_of(second).total == sum(weight.numel() for weight in weights)
    found = verify(first, second, IMAGES)
    assert found.passed, found.reason


@pytest.mark.parametrize("method", ["l1_filter", "network_slimming"])
def test_filters_after_weights_are_refused(method: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="pruned already: unstructured at ratio 0.5 .* cannot go after single weights"):
        prune(saved("unstructured", "0.5", tmp_path), method, "0.6")


@pytest.mark.parametrize("options", [{}, {"scope": "layerwise"}])
def test_zeros_of_a_checkpoint_from_elsewhere(options: dict[str, object], tmp_path: Path) -> None:
    theirs = build_network("small_vgg", width=4)
    for module in theirs.modules():
        if isinstance(module, nn.Conv2d):
            nn.utils.prune.l1_unstructured(module, "weight", 0.6)
    torch.save(theirs.state_dict(), tmp_path / "a.pt")
    ours = build_network("small_vgg", width=4)
    load_weights(ours, tmp_path / "a.pt")
    with pytest.raises(BadInput, match="pruned already: it has zeros where weights were"):
        prune(ours, "unstructured", "0.5", **options)
    pruned = prune(ours, "unstructured", "0.7", **options)
    found = verify(ours, pruned, IMAGES)
    assert found.passed, found.reason
    zeros = sum(int((m.weight == 0).sum()) for m in pruned.modules() if isinstance(m, nn.Conv2d))
    assert zeros == outcome_of(pruned).removed
    assert outcome_of(prune(ours, "unstructured", "0", **options)).removed == 0
