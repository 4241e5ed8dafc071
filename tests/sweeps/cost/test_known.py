"""What is said of costs before training, against networks that were trained and then pruned."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from prune_core.cost.measured import MeasuredNetwork, cost_columns
from prune_core.networks import build_network
from prune_core.pruning import prune, save_network
from sweeps.cost.known import known_costs
from sweeps.cost.sizes import Sizes
from sweeps.plan.arms import study_arms
from sweeps.study.model import load_study

STUDY = """
name: small
data: {name: digits, train: 300, validation: 100, test: 120}
networks: {small_vgg: {options: {width: 4}}}
arms: [{methods: [l1_filter, fpgm, unstructured, random_filters]}, {methods: [network_slimming], training: {sparsity: 1e-3}}]
training: {epochs: 1}
ratios: [0.3, 0.7]
budgets: [0]
seeds: [0]
evaluation: {corruptions: none}
"""
SIZES = Sizes(300, 220, 0, 0, (8, 8, 1), 10)
WANTED = ("parameters", "nonzero_parameters", "macs", "compression", "size_bytes")


@pytest.fixture(scope="module", name="arms")
def _arms(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "small.yaml"
    path.write_text(STUDY, encoding="utf-8")
    return study_arms(load_study(path))


@pytest.fixture(scope="module", name="found")
def _found(arms):
    return {(one.name, one.ratio): one.costs for one in known_costs(arms, [arms[0].base], SIZES, WANTED)}


def trained():
    """A network with weights of its own, as any training would leave it."""
    torch.manual_seed(99)
    network = build_network("small_vgg", width=4, num_classes=10, in_channels=1)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter)
    return network.eval()


@pytest.mark.parametrize("method", ["l1_filter", "fpgm", "unstructured", "random_filters"])
@pytest.mark.parametrize("ratio", ["0.3", "0.7"])
def test_counts_are_exact_and_the_file_is_no_smaller(tmp_path: Path, arms, found, method, ratio):
    dense = trained()
    pruned = prune(dense, method, ratio, **next(arm for arm in arms if arm.method == method).options | seed_of(method))
    true = cost_columns(MeasuredNetwork(pruned, (1, 8, 8), sum(each.numel() for each in dense.parameters())))
    said = found[f"small_vgg-{method}", ratio]
    for name in WANTED[:-1]:
        assert said[name] == true[name], name
    save_network(pruned, tmp_path / "file.safetensors")
    length = (tmp_path / "file.safetensors").stat().st_size
    assert length - 64 <= said["size_bytes"] <= length


def seed_of(method: str) -> dict[str, int]:
    return {"seed": 3} if method.startswith("random") else {}


def test_nothing_is_said_of_channels_that_share_a_pool_and_the_dense_network_is_known(found):
    assert not any(name == "small_vgg-network_slimming" for name, _ in found)
    dense = sum(each.numel() for each in trained().parameters())
    assert found["small_vgg", "0"]["parameters"] == dense


def test_nothing_is_built_where_no_limit_asks_for_it(arms):
    assert known_costs(arms, [arms[0].base], SIZES, ["val_accuracy"]) == []
