"""Accuracy against size over methods with options of their own; sizes are known beforehand."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # from OptunaHub: optunahub.load_module("samplers/front_gp")
METHODS = {"small": 0.55, "large": 0.8}


def objective(trial: optuna.Trial) -> tuple[float, float]:
    """Return accuracy and size of a made-up network."""
    method = trial.suggest_categorical("method", list(METHODS))
    ratio = trial.suggest_float("ratio", 0.1, 0.9, step=0.1)
    edge = METHODS[method]
    if method == "large":
        edge += 0.1 * trial.suggest_categorical("scope", [0, 1])
    return 0.1 + 0.85 / (1 + math.exp(15 * (ratio - edge))), 1e5 * (1 - ratio)


def known(params: Mapping[str, Any]) -> dict[int | str, float]:
    """Return the second objective, the size."""
    return {1: 1e5 * (1 - params["ratio"])} if "ratio" in params else {}


def main() -> None:
    """Run 20 trials and say what is on the front."""
    sampler = importlib.import_module("front_gp").FrontGPSampler(seed=0, known=known)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    study.optimize(objective, n_trials=20)
    for trial in study.best_trials:
        sys.stdout.write(f"{trial.values} {trial.params}\n")


if __name__ == "__main__":
    main()
