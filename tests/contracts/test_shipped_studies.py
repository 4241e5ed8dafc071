"""Every study that ships is whole: it loads, comes back equal from its own YAML, and plans what it says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from sweeps.plan.plan import make_plan
from sweeps.study.model import load_study, study_from_plain
from sweeps.study.yaml import shipped_studies


@pytest.mark.parametrize("name", shipped_studies())
def test_it_loads_plans_and_comes_back_equal(name: str, tmp_path: Path) -> None:
    study = load_study(name)
    assert study.name == name
    assert study.title
    assert study_from_plain(study.to_plain(), where=name, folder=tmp_path) == study
    plan = make_plan(study, data_required=False)
    baselines = {trial.baseline_key for trial in plan.trials if trial.kind == "baseline"}
    controls = {trial.baseline_key for trial in plan.trials if trial.kind == "control"}
    pruned = {trial.baseline_key for trial in plan.trials if trial.kind == "pruned"}
    assert baselines == controls, "every baseline is judged and has a control"
    assert pruned <= baselines
    assert all(trial.budgets == study.budgets for trial in plan.trials if trial.kind in ("control", "pruned"))


def test_the_names_that_the_readme_promises() -> None:
    assert {"quickstart", "quickstart-search", "smoke", "paper", "own-network"} <= set(shipped_studies())


def test_the_quickstart_is_the_one_of_the_readme() -> None:
    study = load_study("quickstart")
    assert (study.ratios, study.budgets, study.seeds) == (("0.3", "0.5", "0.7", "0.9"), (0, 2), (0, 1, 2))
    assert study.demonstration
    assert study.data.name == "mnist5k"
    assert study.evaluation.images_per_cell >= 50
    plan = make_plan(study, data_required=False)
    # 2 networks, each once more trained with sparsity for slimming, 3 seeds; 4 methods x 2 networks x 4 ratios x 3 seeds
    assert Counter(trial.kind for trial in plan.trials) == {"baseline": 12, "control": 12, "pruned": 96}
    assert plan.records == 12 + 12 * 2 + 96 * 2
    assert {arm.method for arm in plan.arms} >= {"unstructured", "l1_filter", "network_slimming", "random_filters"}


def test_the_papers_grid() -> None:
    study = load_study("paper")
    plan = make_plan(study, data_required=False)
    counts = Counter(trial.kind for trial in plan.trials)
    assert (counts["baseline"], counts["control"]) == (18, 18)
    by_method = Counter(trial.method for trial in plan.trials if trial.kind == "pruned")
    assert by_method == {
        "unstructured": 42,
        "l1_filter": 42,
        "network_slimming": 42,
        "random_weights": 42,
        "random_filters": 42,
        "random_channels": 42,
    }
    assert sum(by_method[name] for name in ("unstructured", "l1_filter", "network_slimming")) == 126
    assert study.pruned_ratios == ("0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7")
    assert study.budgets == (0, 5, 10, 20, 40)
    assert (study.select_on, study.rule, study.evaluation.ece_bins) == ("report", "paper", 10)


def test_the_papers_recipes_and_networks() -> None:
    plan = make_plan(load_study("paper"), data_required=False)
    recipes = {}
    for trial in plan.trials:
        assert trial.description.baseline.training is not None
        recipes[trial.network] = trial.description.baseline.training
    assert {network: recipe.sparsity for network, recipe in recipes.items() if recipe.sparsity} == {
        "vgg19-slimming": 1e-4,
        "preresnet164": 1e-5,
    }
    for recipe in recipes.values():
        assert (recipe.epochs, recipe.learning_rate, recipe.milestones, recipe.gamma) == (
            160,
            0.1,
            (80, 120),
            0.1,
        )
        assert (recipe.momentum, recipe.weight_decay, recipe.nesterov, recipe.batch_size) == (
            0.9,
            1e-4,
            False,
            64,
        )
        assert recipe.augmentation == "crop_flip"
    pruned = [trial for trial in plan.trials if trial.kind == "pruned"]
    for trial in pruned:
        fine, method = trial.description.fine_tuning, trial.description.method
        assert fine is not None and method is not None
        assert (fine.learning_rate, fine.schedule, fine.sparsity) == (1e-3, "constant", 0.0)
        assert method.options["rule"] == "paper"
    layers = {
        (trial.network, method.options["layers"])
        for trial in pruned
        if trial.method == "l1_filter" and (method := trial.description.method) is not None
    }
    assert layers == {("vgg16", "vgg16_a"), ("resnet110", "stage1")}


@pytest.mark.parametrize(
    ("label", "parameters"),
    [
        ("vgg19-weights", 20_040_522),
        ("preresnet110", 1_146_842),
        ("vgg16", 14_987_722),
        ("resnet110", 1_727_962),
        ("vgg19-slimming", 20_035_018),
        ("preresnet164", 1_703_258),
    ],
)
def test_the_papers_networks_have_the_published_sizes(label: str, parameters: int) -> None:
    from prune_core.networks import build_network

    section = load_study("paper").networks[label]
    network = build_network(str(section.name), **section.options)
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters


def test_the_search_tries_a_quarter_of_the_quickstarts_grid() -> None:
    search, grid = load_study("quickstart-search"), load_study("quickstart")
    assert search.search.kind == "optuna"
    candidates = sum(len(arm.ratios) for arm in make_plan(grid, data_required=False).arms) * len(grid.budgets)
    assert search.search.candidates == candidates // 4
    assert search.objectives == grid.objectives
    assert (search.networks, search.training, search.fine_tuning) == (grid.networks, grid.training, grid.fine_tuning)
