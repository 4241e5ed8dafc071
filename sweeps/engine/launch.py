"""Ray Tune runs the workload: a fresh experiment over what is missing, workers reused, lost workers replaced.

Import this module only after `sweeps.engine.quiet.silence`, since Ray reads its environment at import.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from sweeps.engine.task import Task
from sweeps.engine.worker import tune_trial
from sweeps.folder.stop_request import StopRequest
from sweeps.plan.trials import PlannedTrial
from sweeps.plan.workload import Workload

_ERROR = re.compile(r"\s*([\w.]+\.)?\w*(Error|Exception)\b")

LOST_WORKERS = 3
"""How often a trial is begun again after its worker died; an exception of the trial itself never comes here."""


@dataclass(frozen=True)
class TuneSettings:
    """What Tune is told beside the trials: what each of them needs, and where Tune may scribble.

    Attributes:
        cpus: cores per trial.
        gpus: GPUs per trial.
        tune_folder: for Tune's own state, which nobody reads again.
        concurrency: trials at a time; None lets Ray place as many as fit, and asks for one more at a time.
    """

    cpus: float
    gpus: float
    tune_folder: Path
    concurrency: int | None


class Feeder(Searcher):  # type: ignore[misc]
    """Hands Tune the next trial that may start; says "not yet" while trials wait for their baseline."""

    def __init__(self, workload: Workload, stop: StopRequest, configure: Callable[[PlannedTrial], Task]) -> None:
        super().__init__(metric=None, mode=None)
        self._workload = workload
        self._stop = stop
        self._configure = configure
        self.keys: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles what it is given into its snapshot, which nobody reads

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Return a trial's configuration, None for "ask again", or FINISHED."""
        if self._stop.reason is not None:
            return str(Searcher.FINISHED)
        trial = self._workload.next()
        if trial is None:
            return str(Searcher.FINISHED) if self._workload.exhausted else None
        self.keys[trial_id] = trial.key
        # one text, not a tree: Tune copies, flattens and writes each leaf of a configuration several times per trial
        return {"key": trial.key, "name": trial.name, "trial": json.dumps(self._configure(trial).to_plain())}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Nothing: the callback below reads the folder, which is the truth."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: nobody reads Tune's snapshot."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: Tune's snapshot is never restored."""

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Nothing: writing the searcher per step would cost time per trial."""


class Watcher(tune.Callback):  # type: ignore[misc]
    """Tells the driver which trial ended, and ticks."""

    def __init__(
        self,
        feeder: Feeder,
        ended: Callable[[str, dict[str, Any] | None, str | None], None],
        ticks: Sequence[Callable[[], None]],
    ) -> None:
        self._feeder = feeder
        self._ended = ended
        self._ticks = ticks

    def __getstate__(self) -> dict[str, Any]:
        return {}  # as above

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Tick."""
        for tick in self._ticks:
            tick()

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial function returned; its last report is the doorbell."""
        self._ended(self._feeder.keys[trial.trial_id], dict(trial.last_result or {}), None)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial's worker was lost too often, or something outside our code raised."""
        self._ended(self._feeder.keys[trial.trial_id], None, _cause(trial))


def _cause(trial: Any) -> str:
    """Return the last error that Tune wrote down of a trial, in a line (its own ``get_error`` looks where it is not yet)."""
    try:
        lines = Path(trial.error_file).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except (OSError, TypeError):
        lines = []
    named = [line.strip() for line in lines if _ERROR.match(line)]
    return (named or [line.strip() for line in lines if line.strip()] or ["the worker was lost"])[-1]


class AnyPending(FIFOScheduler):  # type: ignore[misc]
    """Tune's own order, found among the trials that are alive: Tune looks through all that there ever were, at each step."""

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        """Return a trial that waits for its place, or None."""
        return next((trial for trial in tune_controller.get_live_trials() if trial.status == "PENDING"), None)


def _run(config: dict[str, Any]) -> None:
    tune_trial(Task.from_plain(json.loads(config["trial"])))


def launch(
    workload: Workload,
    *,
    settings: TuneSettings,
    stop: StopRequest,
    configure: Callable[[PlannedTrial], Task],
    ended: Callable[[str, dict[str, Any] | None, str | None], None],
    ticks: Sequence[Callable[[], None]],
) -> None:
    """Run the workload to its end, or until ``stop`` is asked and the running trials have put down what they had.

    Args:
        workload: what waits, runs and is done.
        settings: resources per trial, Tune's folder, how many trials may run at once.
        stop: the request that ends the sweep early.
        configure: says what a worker is told of a trial.
        ended: called with (key, last report or None, error line or None) when a trial came back.
        ticks: called at every turn of Tune's loop; must be quick; what they raise ends the launch.
    """
    for name in ("ray.tune", "ray.train", "ray.air"):  # what matters we say in a line
        logging.getLogger(name).setLevel(logging.CRITICAL)
    feeder = Feeder(workload, stop, configure)
    trainable = tune.with_resources(_run, {"cpu": settings.cpus, "gpu": settings.gpus})
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=feeder,
            scheduler=AnyPending(),
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
            callbacks=[Watcher(feeder, ended, ticks)],
            failure_config=tune.FailureConfig(max_failures=LOST_WORKERS),
        ),
    )
    tuner.fit()
