"""A plan says which arms will fail at their pruning, before their baselines are trained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from torch import nn

from prune_core.networks import NETWORKS
from sweeps.cost.sizes import Sizes
from sweeps.plan.plan import Plan, make_plan
from sweeps.run.plan_limits import unprunable_lines
from sweeps.study.model import load_study

STUDY = """
name: mine
data: {name: digits, train: 300, validation: 100, test: 120}
networks: {no_convolution: {}, flattened: {}, small_vgg: {options: {width: 4}}}
arms:
  - {methods: [l1_filter], networks: [no_convolution, flattened, small_vgg]}
  - {methods: [unstructured], networks: [no_convolution]}
  - {methods: [unstructured], networks: [no_convolution], options: {linear: true}, label: linear}
  - {methods: [network_slimming], networks: [flattened], training: {sparsity: 1e-4}}
training: {epochs: 1}
ratios: [0.3, 0.7]
budgets: [0]
seeds: [0]
"""


@pytest.fixture(name="made")
def _made(tmp_path: Path) -> Iterator[Plan]:
    @NETWORKS.register("no_convolution")
    def build(*, num_classes: int, in_channels: int) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * 16 * 18, 8), nn.ReLU(), nn.Linear(8, num_classes))

    @NETWORKS.register("flattened")
    def flattened(*, num_classes: int, in_channels: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(in_channels, 4, 3, padding=1), nn.Flatten(), nn.Linear(4 * 16 * 18, num_classes))

    (tmp_path / "mine.yaml").write_text(STUDY, encoding="utf-8")
    yield make_plan(load_study(tmp_path / "mine.yaml"), tmp_path / "out", data_required=False)
    for name in ("no_convolution", "flattened"):
        del NETWORKS._entries[name]


def test_arms_that_cannot_be_pruned_are_named_with_the_reason(made: Plan) -> None:
    lines = [line.strip() for line in unprunable_lines(made, Sizes(300, 220, 0, 0, (16, 18, 1), 10))]
    assert lines == [
        "warning    arm no_convolution-l1_filter will fail: no prunable layer: the network has no convolution",
        "warning    arm no_convolution-unstructured will fail: no prunable layer: the network has no convolution; "
        "linear layers join with the option linear",
        "warning    arm flattened-network_slimming will fail: network_slimming needs a network that describes its "
        "channel_groups(): prune the filters of this one",
    ]
    # one that does not take the images of the study is told where its speed is measured
    lines = unprunable_lines(made, Sizes(300, 220, 0, 0, (16, 16, 1), 10))
    assert not any("will fail" in line for line in lines)
