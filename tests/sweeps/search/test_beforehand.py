"""What a search knows before a trial is what a network with other weights measures."""

from __future__ import annotations

import pytest
import torch

from prune_core.cost.complexity import complexity
from prune_core.networks import build_network
from prune_core.pruning import prune
from sweeps.search.beforehand import Beforehand
from sweeps.study.model import load_study

COLUMNS = ["nonzero_parameters", "macs", "nonzero_macs", "size_bytes", "val_accuracy", "train_seconds"]


@pytest.fixture(scope="module")
def known():
    return Beforehand(load_study("quickstart"), COLUMNS)


@pytest.mark.parametrize("method", ["unstructured", "l1_filter"])
def test_counts_that_no_weight_moves_are_known(known, method):
    torch.manual_seed(3)
    section = load_study("quickstart").networks["small_vgg"]
    network = build_network(section.name or "small_vgg", num_classes=10, in_channels=1, **section.options)
    counts = complexity(prune(network, method, "0.7"), (1, 28, 28))
    found = known(f"small_vgg-{method}", "0.7")
    assert found["nonzero_parameters"] == counts.nonzero_parameters
    assert found["macs"] == counts.macs
    assert ("nonzero_macs" in found) == (method == "l1_filter")  # one pool over all layers: which layer loses is open


def test_what_the_weights_decide_is_not_known(known):
    assert known("small_vgg-network_slimming", "0.5") == {}


def test_what_is_only_bounded_and_what_is_no_cost_is_not_known(known):
    assert set(known("small_resnet-l1_filter", "0.5")) == {"nonzero_parameters", "macs", "nonzero_macs"}
