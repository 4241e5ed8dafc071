"""Names of runs: all different within what MLflow's table shows, for studies of every shape."""

from __future__ import annotations

import pytest

from sweeps.plan.plan import make_plan
from sweeps.study.model import load_study
from sweeps.tracking.names import SHOWN, RunNames, short_names


def test_numbers_at_the_end_stay_and_words_that_all_share_go() -> None:
    assert short_names(["resnet20", "resnet110", "vgg16"]) == {"resnet110": "res110", "resnet20": "resn20", "vgg16": "vgg16"}
    assert short_names(["small_vgg", "small_resnet"]) == {"small_resnet": "resnet", "small_vgg": "vgg"}
    assert short_names(["small_vgg"]) == {"small_vgg": "smallv"}


@pytest.mark.parametrize("count", [2, 40, 700])
def test_names_that_are_hard_to_tell_apart_are_told_apart(count: int) -> None:
    names = [f"my-very-long-network-name-of-kind-{'x' * (n % 7)}{n}-v" for n in range(count)]
    found = short_names(names)
    assert set(found) == set(names)
    assert len(set(found.values())) == count
    assert max(map(len, found.values())) <= 6


@pytest.mark.parametrize("name", ["quickstart", "paper", "smoke", "own-network"])
def test_runs_of_the_shipped_studies_differ_within_twenty_characters(name: str) -> None:
    plan = make_plan(load_study(name), data_required=False)
    names = RunNames(plan.arms, plan.study.dense)
    shown = [names.of(trial)[:SHOWN] for trial in plan.trials]
    assert len(set(shown)) == len(plan.trials)


def test_options_rates_and_lengths_are_in_the_name() -> None:
    choices = ["arms=[{methods: [l1_filter], choices: {round_to: [1, 8]}}]", "fine_tuning.schedule=cosine", "budgets=[1, 2]"]
    plan = make_plan(load_study("smoke", choices), data_required=False)
    names = RunNames(plan.arms, plan.study.dense)
    assert len({names.of(trial)[: SHOWN + 3] for trial in plan.trials}) == len(plan.trials)
