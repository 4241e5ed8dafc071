"""A network that cannot be measured has one line of its own, and the plan goes on with the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from prune_core.base.errors import BadInput
from prune_core.networks import NETWORKS
from sweeps.cost.calibration import speeds_of
from sweeps.cost.cost import cost_of
from sweeps.cost.sizes import sizes_of
from sweeps.plan.plan import make_plan
from sweeps.run.plan_text import plan_text
from sweeps.study.model import load_study

STUDY = """
name: mine
data: {name: digits, validation: 100, test: 200, train: 1000}
networks: {small_vgg: {options: {width: 2}}, broken: {}}
arms: [{methods: [unstructured]}]
training: {epochs: 3}
ratios: [0.5]
budgets: [0, 2]
seeds: [0]
evaluation: {corruptions: none, train_images: 200}
"""


class Broken(nn.Module):
    """Right but for what a test does to it."""

    def __init__(self, num_classes: int, in_channels: int) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(in_channels, 2, 3), nn.Linear(2, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.conv(images).mean((2, 3)))


def other_size(network: Broken) -> None:
    network.head = nn.Linear(16 * 5 * 5, 10)


def pair(network: Broken) -> None:
    network.register_forward_hook(lambda _module, _inputs, logits: (logits, logits))


def other_classes(network: Broken) -> None:
    network.head = nn.Linear(2, 1000)


def lazy(network: Broken) -> None:
    network.head = nn.LazyLinear(10)


def odd(network: Broken) -> None:
    def fail(_module: nn.Module, _inputs: object) -> None:
        raise KeyError("two\nlines")

    network.register_forward_pre_hook(fail)


def only_in_training(network: Broken) -> None:
    def fail(module: nn.Module, _inputs: object) -> None:
        if module.training:
            raise ZeroDivisionError("no")

    network.register_forward_pre_hook(fail)


DAMAGES: dict[Callable[[Broken], None], str] = {
    other_size: r"does not take images of \d+x\d+x1: RuntimeError: .*mat1 and mat2",
    pair: "returns a tuple, not logits",
    other_classes: r"for two images it returns a tensor of shape \(2, 1000\), not \(2, 10\)",
    lazy: r"head\.weight has no shape yet",
    odd: "KeyError: 'two",
    only_in_training: "ZeroDivisionError: no",
}


@pytest.fixture(name="damage", params=DAMAGES, ids=lambda damage: damage.__name__)
def _damage(request: pytest.FixtureRequest) -> Iterator[str]:
    def build(*, num_classes: int, in_channels: int) -> nn.Module:
        network = Broken(num_classes, in_channels)
        request.param(network)
        return network

    NETWORKS.register("broken")(build)
    yield DAMAGES[request.param]
    del NETWORKS._entries["broken"]


def test_the_plan_shows_the_rest(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRUNEFRONT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("sweeps.cost.measuring.WORK", {"cpu": 1e6})
    (tmp_path / "mine.yaml").write_text(STUDY, encoding="utf-8")
    study = load_study(tmp_path / "mine.yaml")
    plan, sizes, threads = make_plan(study), sizes_of(study), torch.get_num_threads()
    assert sizes is not None
    lines = plan_text(plan, tmp_path / "out").splitlines()
    [line] = [line for line in lines if line.startswith("  unknown    network broken: ")]
    assert re.search(damage, line)
    assert any(line.startswith("  time       about") for line in lines)
    assert torch.get_num_threads() == threads
    with pytest.raises(BadInput, match="network broken cannot be measured: ") as caught:
        speeds_of(study, plan.trials, sizes)
    assert "\n" not in str(caught.value)
    # what is left is what a study without that network costs
    speeds = speeds_of(study, plan.trials, sizes, on_failure=lambda *_: None)
    assert list(speeds) == ["small_vgg"]
    alone = load_study(tmp_path / "mine.yaml", ["networks={small_vgg: {options: {width: 2}}}"])
    one, two = cost_of(plan, tmp_path / "out", speeds, sizes), cost_of(make_plan(alone), tmp_path / "out", speeds, sizes)
    assert one.device_seconds == pytest.approx(two.device_seconds)
    assert one.disk_bytes == two.disk_bytes
    assert one.macs == pytest.approx(two.macs)
