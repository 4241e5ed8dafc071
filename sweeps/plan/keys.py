"""Descriptions of trials, and their keys. The meaning of a description belongs to `prune_core.trial.run`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prune_core.base.description import GENERATOR_FORMAT, content_key
from prune_core.base.errors import BadInput
from prune_core.base.keys import baseline_key, keyed_baseline
from prune_core.base.store import file_sha256
from prune_core.evaluation.batch_size import keyed_batch_size
from sweeps.study.model import Study
from sweeps.study.sections import NetworkSection

__all__ = ["baseline_description", "baseline_key", "trial_description", "trial_key"]


def trial_key(description: Mapping[str, Any]) -> str:
    """Return a trial's key: the hash of its description, in which files count by content and not by place."""
    evaluation = {name: value for name, value in description["evaluation"].items() if name != "folder"}
    return content_key({**description, "baseline": keyed_baseline(description["baseline"]), "evaluation": evaluation})


def baseline_description(
    study: Study, network: NetworkSection, training: Mapping[str, Any], seed: int, checksum: str | None
) -> dict[str, Any]:
    """Return the description of one trained, unpruned network.

    Args:
        study: the resolved study.
        network: the network's section.
        training: the whole recipe.
        seed: of the trial.
        checksum: of the dataset's arrays; None where the data is not at hand (then the key is not the real one).
    """
    return {
        "kind": "baseline",
        "study_seed": study.seed,
        "data": {
            "name": study.data.name,
            "options": study.data.options,
            "checksum": checksum,
            "train": study.data.train,
            "validation": study.data.validation,
            "test": study.data.test,
        },
        "network": {"name": network.name, "options": network.options},
        "training": dict(training),
        "checkpoint": _checkpoint(network, seed),
        "seed": seed,
        "device": study.resources.device,
        "threads": study.resources.threads,
    }


def trial_description(
    study: Study,
    baseline: Mapping[str, Any],
    *,
    kind: str,
    seed: int,
    method: Mapping[str, Any] | None = None,
    ratio: str = "0",
    rounds: int = 1,
    round_epochs: int = 1,
    fine_tuning: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the description of one trial.

    Args:
        study: the resolved study.
        baseline: what `baseline_description` returned.
        kind: ``baseline``, ``control``, ``pruned``, ``dense`` or ``scratch``.
        seed: of the trial.
        method: ``{"name", "options"}``; None at ratio 0.
        ratio: canonical decimal.
        rounds: of pruning.
        round_epochs: of fine-tuning between two rounds; says nothing where there is one round.
        fine_tuning: the recipe without epochs; None for what is not fine-tuned.
        training: the whole recipe of a pruned architecture that is trained from scratch.
    """
    evaluation = study.evaluation
    return {
        "kind": kind,
        "baseline": dict(baseline),
        "method": None if method is None else dict(method),
        "ratio": ratio,
        "rounds": rounds,
        **({"round_epochs": round_epochs} if rounds > 1 else {}),
        "fine_tuning": dict(fine_tuning or {}),
        "evaluation": {
            "corruptions": evaluation.corruptions,
            "seed": evaluation.seed,
            "images_per_cell": evaluation.images_per_cell,
            "selection_images_per_cell": evaluation.selection_images_per_cell,
            "train_images": evaluation.train_images,
            **({"batch_size": batch} if (batch := keyed_batch_size(study.resources.device)) is not None else {}),
            **({"generator": GENERATOR_FORMAT} if evaluation.corruptions != "none" else {}),
            **({"folder": str(evaluation.folder)} if evaluation.folder is not None else {}),
        },
        "seed": seed,
        **({"training": dict(training)} if training is not None else {}),
    }


def _checkpoint(network: NetworkSection, seed: int) -> dict[str, Any] | None:
    if network.baseline is None:
        return None
    path = Path(str(network.baseline.checkpoint).replace("{seed}", str(seed)))
    if not path.is_file():
        raise BadInput(
            f"baseline.checkpoint of network {network.name}: there is no file {str(path)!r} (allowed: a readable checkpoint)"
        )
    found = file_sha256(path)
    wanted = network.baseline.sha256
    if wanted is not None and wanted != found:
        raise BadInput(f"baseline.sha256 of network {network.name}: {path.name} has SHA-256 {found}, not {wanted}")
    return {"path": str(path), "sha256": found}
