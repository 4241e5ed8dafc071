"""The architecture of a pruned network trained from scratch: its shape, its zeros, its fresh weights, stopped on its way."""

from __future__ import annotations

import math
import random

import pytest
import torch

from prune_core import build_network, prune
from prune_core.base.trial_folder import STATE, WEIGHTS, budget_folder
from prune_core.networks import architecture_of
from prune_core.networks.initialisation import redraw
from prune_core.pruning import load_network, remove_channels
from tests.prune_core.trial.running import BASELINE, House, described, numbers, zeros


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return House(tmp_path_factory.mktemp("house"), tmp_path_factory.mktemp("cache"))


def scratch(method, **changes):
    description = described(method=method)
    return {**description, "kind": "scratch", "fine_tuning": {}, "training": {**BASELINE["training"], **changes}}


@pytest.mark.parametrize("method", ["l1_filter", "unstructured"])
def test_it_has_the_shape_and_the_zeros_of_the_pruned_one_and_other_weights(house, method):
    house.run(described(method=method), [0], f"pruned {method}")
    assert house.run(scratch(method), [0], method)["status"] == "complete"
    pruned, fresh = house.record(0, f"pruned {method}"), house.record(0, method)
    for column in ("parameters", "nonzero_parameters", "macs", "nonzero_macs", "sparsity", "compression"):
        assert fresh[column] == pruned[column], column
    assert fresh["train_seconds"] > 0 and fresh["nll"] != pruned["nll"]
    before, after = (budget_folder(house.root / name, 0) / WEIGHTS for name in (f"pruned {method}", method))
    assert all(torch.equal(mask, zeros(after)[name]) for name, mask in zeros(before).items())
    kept, own = (load_network(path).state_dict() for path in (before, after))
    assert not any(torch.equal(kept[name], own[name]) for name in kept if name.endswith("weight") and kept[name].ndim == 4)
    assert not (house.root / method / STATE).exists()


def test_it_is_trained_as_the_recipe_says_and_no_budget_but_0(house):
    house.run(scratch("l1_filter", epochs=1), [0], "short")
    house.run(scratch("l1_filter"), [0], "as the baseline")
    assert house.record(0, "short")["nll"] != house.record(0, "as the baseline")["nll"]
    outcome = house.run(scratch("l1_filter"), [0, 1], "tuned")
    assert outcome["status"] == "failed" and "budget 0 only" in outcome["cause"]


def test_interrupted_anywhere_it_ends_the_same(house):
    house.run(scratch("unstructured"), [0], "calm")
    draw, stops = random.Random(5), 0
    for _ in range(100):
        left = iter(range(draw.randint(2, 8)))
        outcome = house.run(scratch("unstructured"), [0], "stormy", should_stop=lambda left=left: next(left, None) is None)
        if outcome["status"] != "interrupted":
            break
        stops += 1
    assert outcome["status"] == "complete" and stops >= 3
    assert numbers(house.record(0, "stormy")) == numbers(house.record(0, "calm"))


def test_fresh_weights_are_drawn_for_the_small_shape():
    """He et al.: the standard deviation is sqrt(2 / (k k C)) with C the layer's own, smaller number of filters."""
    torch.manual_seed(0)
    pruned = prune(build_network("vgg16"), "l1_filter", "0.75")
    network = build_network("vgg16")
    remove_channels(network, architecture_of(pruned).kept)
    redraw(network)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d) and module.weight.numel() > 5_000:
            assert float(module.weight.detach().std()) == pytest.approx(math.sqrt(2 / (9 * module.out_channels)), rel=0.05)
