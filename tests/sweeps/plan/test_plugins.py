"""The code of a user's own modules is part of the key of the trials that use it, and of no other."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from prune_core.base.files import write_json
from prune_core.data import DATASETS
from prune_core.metrics.registry import METRICS
from prune_core.networks import NETWORKS
from prune_core.pruning import METHODS
from prune_core.trial.code import changed_code
from sweeps.engine.worker import CODE, run_planned
from sweeps.plan.changes import why_new
from sweeps.plan.plan import Plan, make_plan
from sweeps.run.configuration import configuration
from sweeps.run.plan_text import plan_text
from sweeps.study.model import load_study

NETWORK = """
from torch import nn
from my_blocks import pooled
from prune_core.networks import NETWORKS

@NETWORKS.register("my_net")
def my_net(*, num_classes: int, in_channels: int, width: int = 4) -> nn.Module:
    return nn.Sequential(nn.Conv2d(in_channels, width, 3), nn.ReLU(), pooled(), nn.Linear(width, num_classes))
"""
BLOCKS = """
from torch import nn

def pooled() -> nn.Module:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
"""
METHOD = """
from prune_core.pruning.method import METHODS, Method, WeightOptions

def scores(context):
    return {name: context.weight(name).abs() for name in context.names}

METHODS.register("my_method")(Method("weights", WeightOptions, scores, source="mine"))
"""
DATA = """
import numpy as np
from prune_core.data.dataset import Arrays, DATASETS, Request

def decode():
    images = np.random.default_rng(0).integers(0, 256, (60, 16, 16, 1), dtype=np.uint8)
    return Arrays(("a", "b"), images, np.arange(60) % 2)

@DATASETS.register("my_data")
def my_data(argument, options, cache):
    return Request("Mine", "none", "made up", {"name": "my_data"}, decode)
"""
METRIC = "from prune_core.metrics.registry import METRICS\n"
SOURCES = {"my_network": NETWORK, "my_blocks": BLOCKS, "my_method": METHOD, "my_data": DATA, "my_metric": METRIC}
STUDY = """
name: mine
data: {name: my_data, validation: 10, test: 10}
networks: {my_net: {}, small_vgg: {options: {width: 2}}}
arms: [{methods: [my_method, l1_filter], networks: [small_vgg]}, {methods: [unstructured], networks: [my_net]}]
training: {epochs: 1}
ratios: [0.5]
budgets: [0]
seeds: [0]
evaluation: {corruptions: none}
plugins: [my_network, my_method, my_data, my_metric]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A study with four plugins beside it; what they register does not reach other tests."""
    monkeypatch.setenv("PRUNEFRONT_CACHE", str(tmp_path / "cache"))
    path, modules = list(sys.path), set(sys.modules)
    for registry in (NETWORKS, METHODS, DATASETS, METRICS):
        for name in ("_entries", "_modules", "_code"):
            monkeypatch.setattr(registry, name, dict(getattr(registry, name)))
    for name, text in SOURCES.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith("my_"):
            del sys.modules[name]


def planned(folder: Path, *overrides: str) -> Plan:
    """Plan as a new process would: every plugin is imported anew."""
    for name in [name for name in sys.modules if name.startswith("my_")]:
        del sys.modules[name]
    for registry, name in ((NETWORKS, "my_net"), (METHODS, "my_method"), (DATASETS, "my_data")):
        registry._entries.pop(name, None)
    return make_plan(load_study(folder / "study.yaml", overrides), folder / "out")


def changed(folder: Path, module: str, *overrides: str) -> set[str]:
    """Return the names of the trials whose key changes with the text of a module."""
    before = {trial.key for trial in planned(folder, *overrides).trials}
    file = folder / f"{module}.py"
    file.write_text(file.read_text(encoding="utf-8") + "\nCHANGED = True\n", encoding="utf-8")
    return {trial.name for trial in planned(folder, *overrides).trials if trial.key not in before}


MINE = {"my_net-baseline-s0", "my_net-control-s0", "my_net-unstructured-r0.50-s0"}


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("my_network", MINE),
        ("my_blocks", MINE),
        ("my_method", {"small_vgg-my_method-r0.50-s0"}),
        ("my_metric", set()),
    ],
)
def test_a_change_makes_the_trials_new_that_use_it_and_no_other(folder: Path, module: str, names: set[str]) -> None:
    assert changed(folder, module) == names


def test_a_changed_dataset_makes_everything_new_and_is_decoded_anew(folder: Path) -> None:
    first = planned(folder)
    (folder / "my_data.py").write_text(DATA.replace("default_rng(0)", "default_rng(1)"), encoding="utf-8")
    second = planned(folder)
    assert {trial.key for trial in first.trials}.isdisjoint(trial.key for trial in second.trials)
    assert first.checksum != second.checksum, "its fingerprint is the same, its code is not"


def test_a_random_method_like_a_users_own_counts_its_code(folder: Path) -> None:
    (folder / "study.yaml").write_text(
        STUDY.replace("methods: [my_method, l1_filter]", "methods: [random_weights], options: {like: my_method}"),
        encoding="utf-8",
    )
    assert changed(folder, "my_method") == {"small_vgg-random_weights-r0.50-s0"}


def test_trials_without_plugins_keep_their_keys(folder: Path) -> None:
    shipped = ["data.name=digits", "networks={small_vgg: {options: {width: 2}}}", "arms=[{methods: [l1_filter]}]"]
    sizes = ["data.validation=100", "data.test=100"]
    with_plugins = {trial.key for trial in planned(folder, *shipped, *sizes).trials}
    assert with_plugins == {trial.key for trial in planned(folder, *shipped, *sizes, "plugins=[]").trials}


def test_a_package_counts_the_module_that_registers(folder: Path) -> None:
    package = folder / "my_package"
    package.mkdir()
    (package / "__init__.py").write_text("from my_package import net, other\n", encoding="utf-8")
    (package / "net.py").write_text(NETWORK.replace("from my_blocks", "from .blocks"), encoding="utf-8")
    (package / "blocks.py").write_text(BLOCKS, encoding="utf-8")
    (package / "other.py").write_text("", encoding="utf-8")
    plugins = "plugins=[my_package, my_method, my_data]"
    assert changed(folder, "my_package/net", plugins) == MINE
    assert changed(folder, "my_package/blocks", plugins) == MINE
    assert changed(folder, "my_package/other", plugins) == set()


def test_the_plan_says_why_trials_are_new(folder: Path) -> None:
    out = folder / "out"
    for trial in planned(folder).trials:
        write_json(out / "trials" / trial.key / "description.json", trial.description.to_plain())
    assert why_new(planned(folder), out) == []
    assert changed(folder, "my_blocks") == MINE
    lines = why_new(planned(folder), out)
    assert len(lines) == 1
    assert lines[0].startswith("3 trials are new: the code of my_blocks (network my_net) changed since 20")
    assert lines[0] in plan_text(planned(folder), out)
    changed(folder, "my_method")
    lines = why_new(planned(folder), out)
    assert len(lines) == 2
    assert lines[1].startswith("1 trial is new: the code of my_method (method my_method) changed")
    assert why_new(planned(folder), folder / "elsewhere") == []


def test_trials_of_a_version_without_code_in_the_key_are_said_too(folder: Path) -> None:
    out = folder / "out"
    for trial in planned(folder).trials:
        plain = trial.description.to_plain()
        for part in (plain["baseline"]["network"], plain["baseline"]["data"], plain["method"] or {}):
            part.pop("code", None)
        write_json(out / "trials" / f"old{trial.key}" / "description.json", plain)
    (out / "trials" / "half").mkdir()
    (out / "trials" / "half" / "description.json").write_text("{", encoding="utf-8")
    lines = why_new(planned(folder), out)
    assert sum(int(line.split()[0]) for line in lines) == len(planned(folder).trials)
    assert all("(dataset my_data) came into the key" in line for line in lines)


def test_a_worker_with_other_code_than_the_plan_does_nothing(folder: Path) -> None:
    study = load_study(folder / "study.yaml")
    trial = next(trial for trial in planned(folder).trials if trial.name == "my_net-baseline-s0")
    task = configuration(study, folder / "out", trial)
    assert changed_code(trial.description) is None
    changed(folder, "my_network")
    told = run_planned(task)
    assert told["status"] == CODE
    assert told["cause"] == "the code of my_network (network my_net) is not the one that was planned with"
    assert list(task.order.folder.iterdir()) == []
