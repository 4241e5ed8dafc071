"""The sampler as others meet it: alone, with constraints, with what is known, whatever the order of the trials."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import optuna
import pytest
import torch
from optuna.distributions import CategoricalDistribution, FloatDistribution

from sweeps.samplers import front_gp
from sweeps.samplers.front_gp.sampler import FrontGPSampler

FOLDER = Path(front_gp.__file__).parent
SPACE = {
    "network": CategoricalDistribution(["a", "b"]),
    "method": CategoricalDistribution(["x", "y"]),
    "scope of y": CategoricalDistribution(["one", "all"]),
    "ratio": FloatDistribution(0.1, 0.9, step=0.2),
}
CANDIDATES: list[dict[str, Any]] = [
    {"network": network, "ratio": ratio, **chosen}
    for network in ("a", "b")
    for chosen in ({"method": "x"}, {"method": "y", "scope of y": "one"}, {"method": "y", "scope of y": "all"})
    for ratio in (0.1, 0.3, 0.5, 0.7, 0.9)
]


def size(params):
    return 1000 * (1 - params["ratio"]) * (2 if params["network"] == "b" else 1)


def accuracy(params):
    held = {"x": 0.4, "y": 0.7}[params["method"]] + (0.1 if params.get("scope of y") == "all" else 0)
    return 0.1 + 0.8 / (1 + 2.718 ** (12 * (params["ratio"] - held)))


def told(params_list):
    study = optuna.create_study(directions=["maximize", "minimize"])
    for params in params_list:
        distributions = {name: SPACE[name] for name in params}
        values = [accuracy(params), size(params)]
        study.add_trial(optuna.create_trial(params=params, distributions=distributions, values=values))
    return study


def asked(study, sampler):
    study.sampler = sampler
    trial = study.ask()
    names = ["network", "method", "ratio", "scope of y"]
    trial.suggest_categorical("network", ["a", "b"])
    if trial.suggest_categorical("method", ["x", "y"]) == "y":
        trial.suggest_categorical("scope of y", ["one", "all"])
    trial.suggest_float("ratio", 0.1, 0.9, step=0.2)
    return {name: trial.params[name] for name in names if name in trial.params}


def given(seed=0, known=None):
    return FrontGPSampler(seed=seed, candidates=CANDIDATES, distributions=SPACE, known=known)


def near(params):
    return {**params, "ratio": round(params["ratio"], 6)}


def test_the_folder_is_a_package_of_its_own_that_runs_without_prunefront(tmp_path):
    program = f"""
        import importlib.util, sys
        class Blocked:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] in ("sweeps", "prune_core", "dashboards", "pandas", "ray", "mlflow"):
                    raise ImportError(name)
        sys.meta_path.insert(0, Blocked())
        place = {str(FOLDER)!r}
        from_file = importlib.util.spec_from_file_location
        spec = from_file("hub_package", place + "/__init__.py", submodule_search_locations=[place])
        module = importlib.util.module_from_spec(spec)
        sys.modules["hub_package"] = module
        spec.loader.exec_module(module)
        assert module.__all__ == ["FrontGPSampler"]
        import optuna
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(directions=["maximize", "minimize"], sampler=module.FrontGPSampler(seed=1))
        def objective(trial):
            kind = trial.suggest_categorical("kind", ["a", "b"])
            depth = trial.suggest_int("depth", 1, 4) if kind == "a" else 2
            rate = trial.suggest_float("rate", 1e-4, 1e-1, log=True)
            return 1 - rate * depth, rate + depth
        study.optimize(objective, n_trials=9)
        assert all(trial.state.name == "COMPLETE" for trial in study.trials)
        assert {{trial.params["kind"] for trial in study.trials}} == {{"a", "b"}}
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_optunahub_loads_the_folder():
    hub = pytest.importorskip("optunahub")
    module = hub.load_local_module("front_gp", registry_root=str(FOLDER.parent))
    assert module.FrontGPSampler(seed=0)


def test_the_folder_has_what_the_hub_asks_for():
    text = (FOLDER / "README.md").read_text()
    front = text.split("---")[1]
    for key in ("author", "title", "description", "tags", "optuna_versions", "license"):
        assert f"\n{key}: " in front
    assert all((FOLDER / name).is_file() for name in ("LICENSE", "example.py", "__init__.py"))


def test_every_candidate_is_proposed_once_and_only_candidates_are():
    study, order = told([]), []
    for number in range(len(CANDIDATES)):
        params = near(asked(study, given(number)))
        study.tell(number, [accuracy(params), size(params)])
        order.append(repr(sorted(params.items())))
    assert sorted(order) == sorted(repr(sorted(near(each).items())) for each in CANDIDATES)


def test_what_is_proposed_does_not_hang_on_the_order_of_the_trials_nor_on_threads():
    some = CANDIDATES[::3]
    before = torch.get_num_threads()
    first = asked(told(some), given(5))
    try:
        torch.set_num_threads(1 if before > 1 else 2)
        second = asked(told(some[::-1]), given(5))
    finally:
        torch.set_num_threads(before)
    assert first == second
    assert len({repr(asked(told(some), given(seed))) for seed in range(4)}) >= 1


def test_a_limit_that_is_known_beforehand_is_never_missed_by_a_proposal():
    limit = "size <= 700"

    def known(params):
        return {1: size(params), limit: size(params) - 700}

    allowed = [each for each in CANDIDATES if size(each) <= 700]
    study = told([])
    for number in range(len(allowed)):
        params = asked(study, given(3, known))
        assert size(params) <= 700 + 1e-6
        study.tell(number, [accuracy(params), size(params)])


def test_what_turns_out_otherwise_than_it_was_known_is_predicted_from_then_on():
    wrong = given(0, lambda params: {1: 5.0})
    assert asked(told(CANDIDATES[::2]), wrong) == asked(told(CANDIDATES[::2]), given(0))


def test_a_candidate_without_a_distribution_is_refused():
    with pytest.raises(ValueError, match="without a distribution: extra"):
        FrontGPSampler(candidates=[{"extra": 1}], distributions={})


def test_it_finds_the_front_of_a_toy_with_half_of_the_trials():
    study = told([])
    for number in range(15):
        params = asked(study, given(number, lambda params: {1: size(params)}))
        study.tell(number, [accuracy(params), size(params)])
    values = [(accuracy(each), size(each)) for each in CANDIDATES]
    front = {one for one in values if not any(a >= one[0] and s <= one[1] and (a, s) != one for a, s in values)}
    found = {(round(trial.values[0], 6), round(trial.values[1], 3)) for trial in study.trials}
    missed = [one for one in front if (round(one[0], 6), round(one[1], 3)) not in found]
    assert len(missed) <= len(front) // 4
