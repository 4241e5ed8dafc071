"""Keys across versions: a study of version 0.1.0 is found complete, and later additions change nobody's keys."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from prune_core.base.trial_folder import RECORD, budget_folder
from prune_core.data.options import LATER_OPTIONS
from prune_core.networks import NETWORKS
from prune_core.pruning import METHODS
from sweeps.engine.worker import run_planned
from sweeps.plan.plan import Plan, make_plan
from sweeps.plan.trials import PlannedTrial
from sweeps.run.configuration import configuration
from sweeps.study.model import Study, load_study
from sweeps.study.options import _resolved_options

FIXTURE = Path(__file__).parents[2] / "fixtures" / "study-0.1.0.tar.xz"
SMALL = """
name: mine
data: {name: digits, validation: 200, test: 200}
networks: {small_vgg: {options: {width: 4}}}
arms: [{methods: [l1_filter]}]
training: {epochs: 2}
ratios: [0.5]
budgets: [0, 1]
seeds: [0]
"""


def study(folder: Path, *overrides: str) -> Study:
    (folder / "mine.yaml").write_text(SMALL, encoding="utf-8")
    return load_study(folder / "mine.yaml", overrides)


def keys(plan: Plan) -> list[str]:
    return [trial.key for trial in plan.trials]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The folder of a study that version 0.1.0 ran."""
    with tarfile.open(FIXTURE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "smoke"


def contents(out: Path) -> dict[str, str]:
    files = [path for room in (out / "trials", out.parent / ".store") for path in room.rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_study_of_0_1_0_is_complete_and_nothing_of_it_runs_again(old: Path) -> None:
    chosen = load_study(old / "study.yaml")
    before = contents(old)
    plan = make_plan(chosen, old)
    assert set(keys(plan)) == {path.name for path in (old / "trials").iterdir()} and len(plan.trials) == 8
    assert {trial.baseline_key for trial in plan.trials} == {"22fe43bd394f5f49", "645f89fc149e338c"}
    assert plan.missing(old) == []
    for trial in plan.trials:
        assert run_planned(configuration(chosen, old, trial))["status"] == "complete"
    assert contents(old) == before


def test_a_study_of_0_1_0_grows_on_its_baselines_and_evaluations(old: Path) -> None:
    """A trial that is lost is made again from what the store holds, to the bit."""
    chosen = load_study(old / "study.yaml")
    trial = next(trial for trial in make_plan(chosen, old).trials if trial.kind == "baseline")
    shutil.rmtree(old / "trials" / trial.key)
    kept = {name: digest for name, digest in contents(old).items() if "/.store/" in name}
    assert run_planned(configuration(chosen, old, trial))["status"] == "complete"
    assert (budget_folder(old / "trials" / trial.key, 0) / RECORD).exists()
    assert {name: digest for name, digest in contents(old).items() if "/.store/" in name} == kept


def described(plan: Plan) -> PlannedTrial:
    return next(trial for trial in plan.trials if trial.kind == "pruned")


@pytest.fixture(autouse=True)
def no_memory() -> Iterator[None]:
    _resolved_options.cache_clear()
    yield
    _resolved_options.cache_clear()


def test_a_later_option_of_a_network_is_in_the_key_only_away_from_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keys(make_plan(study(tmp_path)))
    usual = NETWORKS.get("small_vgg")

    def grown(
        *,
        num_classes: int,
        in_channels: int,
        width: int = 16,
        conv_bias: bool = False,
        head: Literal["linear", "mlp"] = "linear",
        initialisation: str = "he",
        dropout: float = 0.0,
    ) -> Any:
        same = {"width": width, "conv_bias": conv_bias, "head": head, "initialisation": initialisation}
        return usual(num_classes=num_classes, in_channels=in_channels, **same)

    monkeypatch.setitem(NETWORKS._entries, "small_vgg", grown)
    _resolved_options.cache_clear()
    assert keys(make_plan(study(tmp_path))) == before
    assert keys(make_plan(study(tmp_path, "networks.small_vgg.options={width: 4, dropout: 0}"))) == before
    other = make_plan(study(tmp_path, "networks.small_vgg.options={width: 4, dropout: 0.5}"))
    assert set(keys(other)).isdisjoint(before)
    assert other.trials[0].description.baseline.network.options["dropout"] == 0.5


def test_a_later_option_of_a_method_is_in_the_key_only_away_from_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = make_plan(study(tmp_path))
    usual = METHODS.get("l1_filter")
    options = dataclasses.make_dataclass(
        "Options", [("power", float, 1.0)], bases=(usual.Options,), frozen=True, kw_only=True
    )
    monkeypatch.setitem(METHODS._entries, "l1_filter", dataclasses.replace(usual, Options=options))
    assert keys(make_plan(study(tmp_path))) == keys(before)
    assert keys(make_plan(study(tmp_path, "arms.0.options={power: 1}"))) == keys(before)
    other = make_plan(study(tmp_path, "arms.0.options={power: 2}"))
    assert set(keys(before)) - set(keys(other)) == {described(before).key}


def test_a_later_option_of_a_dataset_is_in_the_key_only_away_from_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keys(make_plan(study(tmp_path)))
    monkeypatch.setitem(LATER_OPTIONS, "digits", {"size": 16})  # as if it were new
    assert keys(make_plan(study(tmp_path, "data.options={size: 16}"))) == before
    assert set(keys(make_plan(study(tmp_path, "data.options={size: 32}")))).isdisjoint(before)
