"""Ray Tune runs the workload: a fresh experiment over what is missing, workers reused, lost workers replaced.

Import this module only after `sweeps.engine.quiet.silence`, since Ray reads its environment at import.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ray import tune

from sweeps.engine.feeder import Ended, Feeder, InTurn, Lost, Watcher
from sweeps.engine.task import Task
from sweeps.engine.worker import tune_trial
from sweeps.folder.stop_request import StopRequest
from sweeps.plan.trials import PlannedTrial
from sweeps.plan.workload import Workload


@dataclass(frozen=True)
class TuneSettings:
    """What Tune is told beside the trials: what each of them needs, and where Tune may scribble.

    Attributes:
        cpus: cores per trial.
        gpus: GPUs per trial.
        tune_folder: for Tune's own state, which nobody reads again.
        concurrency: trials at a time; None lets Ray place as many as fit, while up to `MOST_WAITING` more wait.
        custom: what else a trial books, by the names that the cluster's nodes know.
        own: whether the Ray is of our own, on this machine.
    """

    cpus: float
    gpus: float
    tune_folder: Path
    concurrency: int | None
    custom: Mapping[str, float] = field(default_factory=dict)
    own: bool = False

    def bundle(self) -> dict[str, float]:
        """Return what one trial books, by Ray's names."""
        return {name: amount for name, amount in {"CPU": self.cpus, "GPU": self.gpus, **self.custom}.items() if amount}


def _run(config: dict[str, Any]) -> None:
    tune_trial(Task.from_plain(json.loads(config["trial"])))


def launch(
    workload: Workload,
    *,
    settings: TuneSettings,
    stop: StopRequest,
    configure: Callable[[PlannedTrial], Task],
    ended: Ended,
    lost: Lost,
    ticks: Sequence[Callable[[], None]],
) -> None:
    """Run the workload to its end, or until ``stop`` is asked and the running trials have put down what they had.

    Args:
        workload: what waits, runs and is done.
        settings: resources per trial, Tune's folder, how many trials may run at once.
        stop: the request that ends the sweep early.
        configure: says what a worker is told of a trial.
        ended: called when a trial came back.
        lost: called when a trial's worker was lost; says whether the trial is begun again.
        ticks: called at every turn of Tune's loop; must be quick; what they raise ends the launch.
    """
    for name in ("ray.tune", "ray.train", "ray.air"):  # what matters we say in a line
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if settings.own:
        use_waiting_workers()
    feeder = Feeder(workload, stop, configure)
    trainable = tune.with_resources(_run, tune.PlacementGroupFactory([settings.bundle()]))
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=feeder,
            scheduler=InTurn(feeder),
            num_samples=-1,
            max_concurrent_trials=settings.concurrency,
            reuse_actors=True,
            trial_name_creator=lambda trial: trial.config["name"],
            trial_dirname_creator=lambda trial: f"{trial.config['key']}-{trial.trial_id}",
        ),
        run_config=tune.RunConfig(
            name="sweep",
            storage_path=str(settings.tune_folder),
            verbose=0,
            callbacks=[Watcher(feeder, workload, ended, lost, ticks)],
            failure_config=tune.FailureConfig(max_failures=-1),  # `lost` says when it is enough
        ),
    )
    fit(tuner)


def use_waiting_workers() -> None:
    """Let trials run in the workers that a Ray of our own starts ahead, one per processor.

    Tune sets variables for its workers, and Ray starts new ones for that, beside those that wait. Here they inherit all of
    the driver's variables anyway.
    """
    from ray.tune.execution import class_cache

    for name in ("DEFAULT_ENV_VARS", "ENV_VARS_TO_PROPAGATE"):
        getattr(class_cache, name, set()).clear()


def fit(tuner: Any) -> None:
    """Run the sweep. Its results are in the trials' folders; Tune's own list of them is not used.

    That list is made at the end, of all trials, and Tune has no folder to name for one that was stopped while it waited.
    """
    try:
        tuner.fit()
    except RuntimeError as error:
        if "trial_dir_name" not in str(error):
            raise
