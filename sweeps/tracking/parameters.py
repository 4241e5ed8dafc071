"""The parameters of a run: what it was and how it was trained, flat, as MLflow filters and sorts by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prune_core.base.kinds import PRUNED
from prune_core.base.recipe import Recipe
from sweeps.plan.trials import PlannedTrial

_LONGEST = 500
"""Characters of a value; MLflow takes 6,000, its pages fewer."""


def parameters(trial: PlannedTrial) -> dict[str, object]:
    """Return the parameters of a trial. All follow from its key, since MLflow never lets one change.

    ``training.*`` is the recipe of the unpruned network, ``fine_tuning.*`` that after pruning, ``method.*`` and
    ``network.*`` their options.
    """
    described = trial.description
    found: dict[str, object] = {
        "network": trial.network,
        "method": trial.method,
        "ratio": trial.ratio,
        "seed": trial.seed,
        "kind": trial.kind,
        "arm": trial.arm,
        "device": described.baseline.device,
    }
    if trial.kind == PRUNED:
        found["rounds"] = described.rounds
    checkpoint = described.baseline.checkpoint
    training = described.training or described.baseline.training
    found |= {"training.checkpoint": checkpoint.sha256} if checkpoint is not None else _recipe("training", training)
    found |= {name: value for name, value in _recipe("fine_tuning", described.fine_tuning).items() if "epochs" not in name}
    found |= _options("method", {} if described.method is None else described.method.options)
    found |= _options("network", described.baseline.network.options)
    return {name: _shortened(value) for name, value in found.items()}


def _shortened(value: object) -> object:
    return value if len(str(value)) <= _LONGEST else f"{str(value)[: _LONGEST - 3]}..."


def _recipe(head: str, recipe: Recipe | None) -> dict[str, object]:
    return {} if recipe is None else _options(head, recipe.to_plain())


def _options(head: str, options: Mapping[str, Any]) -> dict[str, object]:
    return {f"{head}.{name}": value for name, value in options.items() if value not in (None, [], ())}
