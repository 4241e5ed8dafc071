"""The function that a Ray Tune worker runs: one trial, from its plain description to its folder."""

from __future__ import annotations

import errno
import faulthandler
import importlib
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from prune_core.files import read_json, write_json
from sweeps.stopping import token_watch

HANG_FILE = "hang.txt"
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}


class HangWatch:
    """Ends this process when the trial is silent for too long.

    The C timer of ``faulthandler`` needs no interpreter lock, so it also ends a trial that hangs in compiled code. What
    every thread was doing is left in the trial's folder; the next worker that gets the trial finds it and records the hang.
    """

    def __init__(self, folder: Path, *, factor: float, floor_seconds: float) -> None:
        self._factor = factor
        self._floor = floor_seconds
        self._limit = 10 * floor_seconds  # until an epoch has been seen, the first one may also load data and compile
        self._armed = 0.0
        folder.mkdir(parents=True, exist_ok=True)
        self._stream: IO[str] = (folder / HANG_FILE).open("w")

    def beat(self) -> None:
        """Start the time anew (at most once per second: arming costs a thread)."""
        now = time.monotonic()
        if now - self._armed > 1.0:
            self._armed = now
            faulthandler.dump_traceback_later(self._limit, exit=True, file=self._stream)

    def saw_epoch(self, seconds: float) -> None:
        """Allow ``factor`` times the epoch that was just seen, and never less than the floor."""
        self._limit = max(self._floor, self._factor * seconds)
        self._armed = 0.0
        self.beat()

    def close(self) -> None:
        """Stop watching."""
        faulthandler.cancel_dump_traceback_later()
        self._stream.close()
        Path(self._stream.name).unlink(missing_ok=True)


def run_planned(config: dict[str, Any], on_budget: Callable[[int], None] | None = None) -> dict[str, Any]:
    """Run one planned trial; everything that matters is written to its folder, the return value is a doorbell.

    Returns:
        ``{"key", "status", "cause"}``; status ``interrupted`` when it was asked to stop, ``disk`` when it could not write.
    """
    _import_plugins(config["plugins"], config["plugin_paths"])
    from prune_core.pipeline import run_trial

    folder = Path(config["folder"])
    hang = _hang_of(folder)
    if hang is not None:
        return _close_hung(folder, config, hang)
    try:
        watch = HangWatch(folder, factor=config["hang_factor"], floor_seconds=config["hang_floor_seconds"])
    except OSError as error:
        return {"key": config["key"], "status": "disk", "cause": _disk_cause(error)}
    stop_asked = token_watch(Path(config["stop_token"]))

    def should_stop() -> bool:
        watch.beat()
        return stop_asked()

    watch.beat()
    try:
        outcome = run_trial(
            config["description"],
            key=config["key"],
            budgets=config["budgets"],
            folder=folder,
            store=Path(config["store"]),
            cache=Path(config["cache"]) if config["cache"] else None,
            bins=config["ece_bins"],
            keep=config["keep"],
            on_budget=lambda budget, _record: on_budget(budget) if on_budget else None,
            on_epoch=lambda _epoch, seconds: watch.saw_epoch(seconds),
            should_stop=should_stop,
            checkpoint_seconds=config["checkpoint_seconds"],
        )
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        return {"key": config["key"], "status": "disk", "cause": _disk_cause(error)}
    finally:
        watch.close()
    return {"key": config["key"], "status": outcome["status"], "cause": outcome.get("cause")}


def tune_trial(config: dict[str, Any]) -> None:
    """Run a trial inside Ray Tune: one report per budget, one at the end with the status."""
    from ray import tune

    seen: list[int] = []

    def on_budget(budget: int) -> None:
        seen.append(budget)
        tune.report({"budget": budget, "status": "running"})

    result = run_planned(config, on_budget)
    tune.report({"budget": seen[-1] if seen else -1, **result})


def _import_plugins(modules: list[str], paths: list[str]) -> None:
    # Ray workers are new processes: what the study names must be imported there too
    for path in paths:
        if path not in sys.path:
            sys.path.insert(0, path)
    for module in modules:
        importlib.import_module(module)


def _hang_of(folder: Path) -> str | None:
    path = folder / HANG_FILE
    if not path.exists() or path.stat().st_size == 0:
        return None
    lines = [line.strip() for line in path.read_text(errors="replace").splitlines() if line.strip().startswith("File ")]
    return lines[0] if lines else "no frame known"


def _close_hung(folder: Path, config: dict[str, Any], where: str) -> dict[str, Any]:
    progress = read_json(folder / "progress.json") if (folder / "progress.json").exists() else {}
    cause = f"hung: silent for longer than allowed after epoch {progress.get('epoch', 'none')}, at {where}"
    outcome = {"status": "failed", "cause": cause, "budgets": config["budgets"], "host": socket.gethostname(), "process": os.getpid()}
    write_json(folder / "outcome.json", outcome)
    (folder / HANG_FILE).rename(folder / "hung.txt")
    return {"key": config["key"], "status": "failed", "cause": cause}


def _disk_cause(error: OSError) -> str:
    return f"{error.strerror} ({error.filename})" if error.filename else str(error)
