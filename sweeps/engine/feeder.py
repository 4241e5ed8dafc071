"""What Ray Tune asks for its next trial, and what it tells of trials that start, come back or are lost.

Import this module only after `sweeps.engine.quiet.silence`, since Ray reads its environment at import.
"""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ray.tune.progress_reporter import TrialProgressCallback
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from sweeps.engine.task import Task
from sweeps.engine.worker import LEAVES
from sweeps.folder.stop_request import StopRequest
from sweeps.plan.trials import PlannedTrial
from sweeps.plan.workload import Workload

_ERROR = re.compile(r"\s*([\w.]+\.)?\w*(Error|Exception)\b")

Ended = Callable[[str, dict[str, Any] | None, str | None], None]
"""Called with (key, last report or None, error line or None) when a trial came back."""
Lost = Callable[[str, str, bool], bool]
"""Called with (key, error line, whether it was announced) when a trial's worker was lost; returns whether to begin again."""

MOST_WAITING = 200
"""Trials that wait for a place at a time, each with a placement group that an autoscaler sees: as many as Tune lets wait for
searches of its own. (For another's it lets one wait, so that a cluster would fill, and grow, one worker at a time.)"""


class Feeder(Searcher):  # type: ignore[misc]
    """Hands Tune the next trial that may start; says "not yet" while trials wait for their baseline.

    Args:
        workload: what waits, runs and is done.
        stop: the request that ends the sweep early.
        configure: says what a worker is told of a trial.
    """

    def __init__(self, workload: Workload, stop: StopRequest, configure: Callable[[PlannedTrial], Task]) -> None:
        super().__init__(metric=None, mode=None)
        self._workload = workload
        self._stop = stop
        self._configure = configure
        self._keys: dict[str, str] = {}
        self._order: dict[str, int] = {}
        self.hopeless: dict[str, str] = {}
        """Why trials are not begun again, by Tune's own name of them."""

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles what it is given into its snapshot, which nobody reads

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Return a trial's configuration, None for "ask again", or FINISHED."""
        if self.stopping:
            return str(Searcher.FINISHED)
        if self._workload.unplaced >= MOST_WAITING:
            return None
        trial = self._workload.next()
        if trial is None:
            return str(Searcher.FINISHED) if self._workload.exhausted else None
        self._keys[trial_id] = trial.key
        self._order[trial_id] = len(self._order)
        # one text, not a tree: Tune copies, flattens and writes each leaf of a configuration several times per trial
        return {"key": trial.key, "name": trial.name, "trial": json.dumps(self._configure(trial).to_plain())}

    @property
    def stopping(self) -> bool:
        """Whether the sweep is to stop."""
        return self._stop.reason is not None

    def key(self, trial: Any) -> str:
        """Return the key of one of Tune's trials."""
        return self._keys[trial.trial_id]

    def turn(self, trial: Any) -> int:
        """Return the place of one of Tune's trials in the order in which they were handed out."""
        return self._order[trial.trial_id]

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Nothing: the callback below reads the folder, which is the truth."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: nobody reads Tune's snapshot."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: Tune's snapshot is never restored."""

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Nothing: writing the searcher per step would cost time per trial."""


class Watcher(TrialProgressCallback):  # type: ignore[misc]
    """Tells the driver which trial ended, keeps the workload's account of who has a place, and ticks.

    It stands where Tune's printer of results would, which says some things at any verbosity.
    """

    def __init__(
        self,
        feeder: Feeder,
        workload: Workload,
        ended: Ended,
        lost: Lost,
        ticks: Sequence[Callable[[], None]],
    ) -> None:
        super().__init__()
        self._feeder = feeder
        self._workload = workload
        self._ended = ended
        self._lost = lost
        self._ticks = ticks
        self._told: set[str] = set()  # Tune's own names of trials whose loss was told, and that have no worker since

    def __getstate__(self) -> dict[str, Any]:
        return {}  # as above

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Tick."""
        for tick in self._ticks:
            tick()

    def on_trial_result(self, *_: Any, **info: Any) -> None:
        """Nothing: what a trial reports stands in its folder."""

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A worker took the trial."""
        self._told.discard(trial.trial_id)
        self._workload.take_place(self._feeder.key(trial))

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """The trial's worker was lost, or left with its node; the trial waits for another, unless it is hopeless."""
        key, cause = self._feeder.key(trial), _cause(trial)
        self._workload.lose_place(key)
        self._told.add(trial.trial_id)
        if not self._lost(key, cause, LEAVES in cause or _announced(trial)):
            self._feeder.hopeless[trial.trial_id] = cause

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial function returned, its last report is the doorbell; or a trial that had no place was called back."""
        key, cause = self._feeder.key(trial), self._feeder.hopeless.get(trial.trial_id)
        self._ended(key, dict(trial.last_result or {}) if cause is None else None, cause)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A worker was lost while it was handed the trial; Tune gives such a trial up, so it is asked for anew.

        Where the worker's end reaches Tune before the failure of that hand-over, Tune tells one loss twice: as a trial that
        waits for another worker, and then here.
        """
        key, told = self._feeder.key(trial), trial.trial_id in self._told
        cause = self._feeder.hopeless.get(trial.trial_id)
        if cause is None and not told and not self._lost(key, _cause(trial), _announced(trial)):
            cause = _cause(trial)
        if cause is None:
            self._workload.begin_again(key)
        else:
            self._ended(key, None, cause)


def _announced(trial: Any) -> bool:
    """Return whether the last worker went with a node whose end had been announced (a drain for a preemption)."""
    try:
        error = pickle.loads(Path(trial.pickled_error_file).read_bytes())  # noqa: S301  (Tune wrote it, in this process)
    except Exception:  # noqa: BLE001  (whatever a pickle raises: then nobody knows)
        return False
    return bool(getattr(error, "preempted", False))


def _cause(trial: Any) -> str:
    """Return the last error that Tune wrote down of a trial, in a line (its own ``get_error`` looks where it is not yet)."""
    try:
        lines = Path(trial.error_file).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except (OSError, TypeError):
        lines = []
    named = [line.strip() for line in lines if _ERROR.match(line)]
    return (named or [line.strip() for line in lines if line.strip()] or ["the worker was lost"])[-1]


class InTurn(FIFOScheduler):  # type: ignore[misc]
    """The order in which trials were handed out, among those that are alive: Tune looks through all that there ever were."""

    def __init__(self, feeder: Feeder) -> None:
        super().__init__()
        self._feeder = feeder

    def __getstate__(self) -> dict[str, Any]:
        return {}  # as above

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        """Return the first trial that waits for its place, or None; call back the hopeless, and all when the sweep stops.

        Tune gives it a worker that has become free, and ends the worker that is being started for it, if one is: with trials
        that are shorter than that start, each next one would lose its own, and the whole sweep run in the first worker. So
        trials whose worker is on its way come last.
        """
        pending = [trial for trial in tune_controller.get_live_trials() if trial.status == "PENDING"]
        waiting = []
        for trial in sorted(pending, key=self._feeder.turn):
            if self._feeder.stopping or trial.trial_id in self._feeder.hopeless:
                tune_controller.stop_trial(trial)
            else:
                waiting.append(trial)
        return next((trial for trial in waiting if not _has_worker(tune_controller, trial)), (waiting or [None])[0])


def _has_worker(tune_controller: Any, trial: Any) -> bool:
    """Return whether a worker is being started, or made ready again, for a trial; Tune has no public word for it."""
    controller = getattr(tune_controller, "_tune_controller", tune_controller)
    actor = controller._trial_to_actor.get(trial)
    return actor is not None and bool(controller._actor_manager.is_actor_started(actor))
