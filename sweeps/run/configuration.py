"""From a planned trial to what a worker is told of it."""

from __future__ import annotations

from pathlib import Path

from prune_core.trial.order import TrialOrder
from sweeps.engine.task import Task
from sweeps.folder.paths import store_folder, trial_folder
from sweeps.folder.stop_request import StopRequest
from sweeps.plan.trials import PlannedTrial
from sweeps.study.model import Study


def configuration(
    study: Study, out: Path, trial: PlannedTrial, fraction: float | None = None, *, may_move: bool = False
) -> Task:
    """Return what a worker is told of a trial.

    Args:
        study: the study.
        out: its output folder, absolute.
        trial: which.
        fraction: of a GPU's memory that it may use; None is all of it.
        may_move: whether the worker's node may leave its cluster.
    """
    resources = study.resources
    order = TrialOrder(
        folder=trial_folder(out, trial.key),
        store=store_folder(out),
        budgets=trial.budgets,
        report_budgets=trial.report_budgets,
        ece_bins=study.evaluation.ece_bins,
        checkpoint_seconds=resources.checkpoint_seconds,
        memory_fraction=fraction,
        mixed_builds=resources.mixed_builds,
    )
    return Task(
        name=trial.name,
        description=trial.description,
        order=order,
        plugins=study.plugins,
        plugin_paths=study.plugin_paths,
        hang_factor=resources.hang_factor,
        hang_floor_seconds=resources.hang_floor_seconds,
        stop_token=StopRequest.token_of(out),
        may_move=may_move,
    )
