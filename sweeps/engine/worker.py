"""The function that a Ray Tune worker runs: one trial, from its description to its folder."""

from __future__ import annotations

import faulthandler
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from prune_core.base.files import write_json
from prune_core.base.plugins import import_plugins
from prune_core.base.trial_folder import FAILED, INTERRUPTED, OUTCOME, finished_budgets, read_progress
from prune_core.trial.code import changed_code
from prune_core.trial.memory import TooLittleMemory
from prune_core.trial.run import run_trial
from prune_core.trial.trouble import MachineTrouble
from sweeps.engine.node_watch import node_leaves
from sweeps.engine.task import Task
from sweeps.engine.trial_log import here, trial_log
from sweeps.folder.paths import HANG, HUNG
from sweeps.folder.stop_request import token_watch

DISK = "disk"
"""The status of a report that says: this machine could not write; nothing is recorded about the trial."""
MOVES = "moves"
"""The status of a report that says: the node leaves the cluster; what the trial had is put down, it goes on elsewhere."""
LEAVES = "NodeLeaves"
ALONE = "alone"
"""The status of a report that says: a share of a GPU was too little memory; nothing is recorded about the trial."""
CODE = "code"
"""The status of a report that says: a user's module is not the one of the plan; nothing is recorded about the trial."""


class NodeLeaves(Exception):
    """The node of this worker leaves the cluster. No error: it ends the worker, and Tune begins the trial elsewhere."""


class HangWatch:
    """Ends this process when the trial is silent for too long.

    The C timer of ``faulthandler`` needs no interpreter lock, so it also ends a trial that hangs in compiled code. What
    every thread was doing is left in the trial's folder; the next worker that gets the trial finds it and records the hang.

    Args:
        folder: the trial's.
        factor: how many of its longest epochs a trial may be silent.
        floor_seconds: what it may be silent in any case; ten times that before its first epoch has ended.
    """

    def __init__(self, folder: Path, *, factor: float, floor_seconds: float) -> None:
        self._folder = folder
        self._factor = factor
        self._floor = floor_seconds
        self._limit = 10 * floor_seconds
        self._armed = 0.0
        self._place: tuple[object, object] = (None, None)
        self._entered = time.monotonic()
        self._longest: float | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._stream: IO[str] = (folder / HANG).open("w")

    def beat(self) -> None:
        """Start the time anew (at most once per second: arming costs a thread)."""
        now = time.monotonic()
        if now - self._armed > 1.0:
            self._armed = now
            self._look_at_epoch(now)
            faulthandler.dump_traceback_later(self._limit, exit=True, file=self._stream)

    def close(self) -> None:
        """Stop watching."""
        faulthandler.cancel_dump_traceback_later()
        self._stream.close()
        Path(self._stream.name).unlink(missing_ok=True)

    def _look_at_epoch(self, now: float) -> None:
        progress = read_progress(self._folder) or {}
        place = (progress.get("phase"), progress.get("epoch"))
        if place == self._place:
            return
        if self._place[0] == place[0] and self._place[1] is not None:
            self._longest = max(self._longest or 0.0, now - self._entered)
            self._limit = max(self._floor, self._factor * self._longest)
        self._place, self._entered = place, now


def run_planned(task: Task, on_budget: Callable[[int], None] | None = None) -> dict[str, Any]:
    """Run one planned trial; everything that matters is written to its folder, the return value is a doorbell.

    Returns:
        ``{"key", "status", "cause"}``; status ``interrupted`` when it was asked to stop, ``moves`` when its node leaves the
        cluster, ``disk`` when it could not write, ``alone`` when it needs a whole GPU, ``code`` when a user's module is not
        the one of the plan.
    """
    folder, key = task.order.folder, task.description.key
    try:
        folder.mkdir(parents=True, exist_ok=True)  # first: a trial without a folder never had a worker
    except OSError as error:
        return {"key": key, "status": DISK, "cause": str(error)}
    # Ray workers are new processes: what the study names must be imported there too
    import_plugins(task.plugins, task.plugin_paths)
    changed = changed_code(task.description)
    if changed is not None:
        return {"key": key, "status": CODE, "cause": changed}
    hang = _hang_of(folder)
    if hang is not None:
        return _close_hung(folder, key, hang)
    try:
        watch = HangWatch(folder, factor=task.hang_factor, floor_seconds=task.hang_floor_seconds)
    except OSError as error:
        return {"key": key, "status": DISK, "cause": str(error)}
    stop_asked = token_watch(task.stop_token)
    leaves = node_leaves() if task.may_move else lambda: False

    def should_stop() -> bool:
        watch.beat()
        return stop_asked() or leaves()

    watch.beat()
    try:
        outcome = run_trial(
            task.description,
            task.order,
            on_budget=lambda budget, _record: on_budget(budget) if on_budget else None,
            should_stop=should_stop,
        )
    except MachineTrouble as error:
        return {"key": key, "status": DISK, "cause": str(error)}
    except TooLittleMemory as error:
        return {"key": key, "status": ALONE, "cause": str(error)}
    finally:
        watch.close()
    moves = outcome["status"] == INTERRUPTED and leaves() and not stop_asked()
    return {"key": key, "status": MOVES if moves else outcome["status"], "cause": outcome.get("cause")}


def tune_trial(task: Task) -> None:
    """Run a trial inside Ray Tune: one report per budget, one at the end with the status.

    Raises:
        NodeLeaves: the trial's work is put down; this worker must not be given another trial.
    """
    from ray import tune

    seen: list[int] = []

    def on_budget(budget: int) -> None:
        seen.append(budget)
        log.event(f"budget {budget} is judged")
        tune.report({"budget": budget, "status": "running"})

    with trial_log(task.order.folder, {"name": task.name, **here()}) as log:
        result = run_planned(task, on_budget)
        log.event(f"ends: {result['status']}" + (f": {result['cause']}" if result.get("cause") else ""))
    if result["status"] == MOVES:
        raise NodeLeaves(str(result["cause"]))
    tune.report({"budget": seen[-1] if seen else -1, **result})


def _hang_of(folder: Path) -> str | None:
    path = folder / HANG
    if not path.exists() or path.stat().st_size == 0:
        return None
    lines = [line.strip() for line in path.read_text(errors="replace").splitlines() if line.strip().startswith("File ")]
    return lines[0] if lines else "no frame known"


def _close_hung(folder: Path, key: str, where: str) -> dict[str, Any]:
    progress = read_progress(folder) or {}
    cause = (
        f"hung: silent for too long in {progress.get('phase', 'start')} after epoch {progress.get('epoch', 0)}, at {where}"
    )
    write_json(folder / OUTCOME, {"status": FAILED, "cause": cause, "budgets": finished_budgets(folder), "key": key})
    (folder / HANG).rename(folder / HUNG)
    return {"key": key, "status": FAILED, "cause": cause}
