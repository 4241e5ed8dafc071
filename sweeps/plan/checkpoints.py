"""A user's own checkpoints, tried before anything runs: one line at once, not a failed trial per baseline later."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from prune_core import networks
from prune_core.base.errors import BadInput
from prune_core.trial.description_parts import CheckpointDescription, NetworkDescription
from sweeps.plan.data import load_data
from sweeps.plan.state import baseline_ready

if TYPE_CHECKING:
    from sweeps.plan.trials import PlannedTrial
    from sweeps.study.model import Study


def check_checkpoints(study: Study, trials: Iterable[PlannedTrial], out: Path | None) -> None:
    """Load each checkpoint that the store does not hold yet into the network that the study names.

    Raises:
        BadInput: a checkpoint does not fit its network, names other classes than the data, or cannot be read.
    """
    found: dict[str, tuple[str, NetworkDescription, CheckpointDescription]] = {}
    for trial in trials:
        baseline = trial.description.baseline
        if baseline.checkpoint is not None and not (out is not None and baseline_ready(trial.baseline_key, out)):
            found.setdefault(trial.baseline_key, (trial.network, baseline.network, baseline.checkpoint))
    if not found:
        return

    dataset = load_data(study.data.name, study.data.options, download=False)
    shape = {"num_classes": len(dataset.classes), "in_channels": dataset.shape[2]}
    for label, described, checkpoint in found.values():
        network = networks.build_network(described.name, **{**shape, **described.options})
        try:
            networks.load_weights(network, Path(checkpoint.path))
            networks.check_class_names(checkpoint.path, dataset.classes, dataset.name)
        except BadInput as error:
            raise BadInput(f"networks.{label}.baseline.checkpoint: {error}") from None
