"""MLflow, written by the driver alone: one parent run per study, one child per trial, sent from a thread.

The trial folders are the truth. Whoever calls `Tracker.log_trial` with the entry of every finished trial, again and
again, gets the same runs, updated: what is up to date costs nothing, what an earlier start could not send is sent now.
A server that is down or slow costs the sweep nothing; `Tracker.problem` says so in one line.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from prune_core.base.addresses import shown
from sweeps.folder.identity import study_uid
from sweeps.folder.paths import MLFLOW_ARTIFACTS, MLFLOW_DATABASE
from sweeps.folder.sqlite import sqlite_address
from sweeps.tracking.about import NOTHING, About
from sweeps.tracking.entry import RUN_STATUS, TrialEntry
from sweeps.tracking.parent import ProgressRow
from sweeps.tracking.place import Place, checked_uri, quieten_mlflow, short_reason
from sweeps.tracking.runs import StudyRuns

__all__ = ["Tracker", "TrialEntry"]

_REFUSALS = frozenset({"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_DOES_NOT_EXIST", "PERMISSION_DENIED"})
_STANDSTILL = 20.0
"""Seconds that the end of a sweep waits for a server which takes nothing; a database of one's own may be slower to open."""
_AT_ONCE = 100
"""Trials that are written in one go, where they can be."""
_EVERY = 2.0
"""Seconds between two writes while a sweep runs: what ends meanwhile goes together, which costs less than one by one."""
_PAUSES = (2.0, 5.0, 15.0, 60.0)
"""Seconds between attempts while the server does not answer."""


class Tracker:
    """The study's place in MLflow.

    Args:
        study_name: name of the parent run.
        out: the output folder; holds ``mlflow.db`` and ``mlartifacts/`` unless another place is given.
        uri: tracking URI of the study file; None means MLflow's ``MLFLOW_TRACKING_URI``, else sqlite in ``out``.
        experiment: experiment of the study file; None means ``MLFLOW_EXPERIMENT_NAME``, else ``prunefront``.
        tags: the study's tags, copied to every run.
        also: columns to log at every budget besides the fixed ones: those of the study's objectives and limits.
        commit: of the code that runs the study.
        about: the study, for its parent run.

    Raises:
        BadInput: the URI is a plain folder, which MLflow no longer takes; the key or the variable that names it is said.
    """

    def __init__(
        self,
        study_name: str,
        out: Path,
        uri: str | None,
        experiment: str | None,
        tags: Mapping[str, str],
        *,
        also: Sequence[str] = (),
        commit: str | None = None,
        about: About = NOTHING,
    ) -> None:
        given = checked_uri(uri)
        self.uri = given or sqlite_address(out.absolute() / MLFLOW_DATABASE)
        self._remote = self.uri.startswith(("http://", "https://"))
        self._place = Place(
            uri=self.uri,
            experiment=experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME") or "prunefront",
            artifacts=None if given else out.absolute() / MLFLOW_ARTIFACTS,
            study_name=study_name,
            study_uid=study_uid(out),
            tags=dict(tags),
            also=tuple(also),
            commit=commit,
            about=about,
        )
        self._trials: dict[str, TrialEntry] = {}
        self._progress: list[ProgressRow] = []
        self._end: tuple[str, list[Path], frozenset[str] | None] | None = None
        self._ids: dict[str, str] = {}
        self._refused: dict[str, str] = {}
        self._unreachable: str | None = None
        self._failures = 0
        self._retry_at = 0.0
        self._busy = True
        self._hurry = False
        self._next_write = 0.0
        self._stop = False
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to connect (a new sqlite file takes about 9 s) and to send, in a daemon thread; returns at once."""
        quieten_mlflow()
        self._thread = threading.Thread(target=self._work, name="mlflow", daemon=True)
        self._thread.start()

    def log_trial(self, entry: TrialEntry) -> None:
        """Hand over how one trial stands now; replaces what was handed over and not sent yet."""
        if entry.status not in RUN_STATUS:
            raise ValueError(f"status {entry.status!r} of {entry.name}: allowed are {', '.join(RUN_STATUS)}")
        with self._change:
            self._refused.pop(entry.key, None)
            self._trials[entry.key] = entry
            self._change.notify_all()

    def reconcile(self, entries: Iterable[TrialEntry]) -> None:
        """Hand over every finished trial of the folder: missing ones are logged, changed ones updated, others left."""
        for entry in entries:
            self.log_trial(entry)

    def log_progress(self, *rows: ProgressRow) -> None:
        """Hand over numbers about the sweep for the parent run; what it holds already is not sent again."""
        with self._change:
            self._progress += rows
            self._change.notify_all()

    def run_ids(self) -> dict[str, str]:
        """Return the run id by trial key, of every run that MLflow is known to hold by now."""
        with self._change:
            return dict(self._ids)

    @property
    def problem(self) -> str | None:
        """One line about what is not in MLflow, or None when all that was handed over is."""
        with self._change:
            waiting, refused = len(self._trials), len(self._refused)
            if self._unreachable is not None:
                count = "the study's run waits"
                if waiting:
                    count = "1 trial waits" if waiting == 1 else f"{waiting} trials wait"
                return f"MLflow at {shown(self.uri)} cannot be written: {self._unreachable}; {count} for the next start"
            if refused:
                name, reason = next(iter(self._refused.items()))
                return f"MLflow at {shown(self.uri)} refused {refused} entries, first {name}: {reason}"
            return None

    def flush(self, limit_s: float = 120.0) -> bool:
        """Wait until all is sent; gives up after ``limit_s``, or when the server does not answer or nothing goes through."""
        if self._thread is None:
            return False
        deadline = time.monotonic() + limit_s
        with self._change:
            self._retry_at, self._hurry = 0.0, True
            failures, left, moved = self._failures, self._left(), time.monotonic()
            self._change.notify_all()
            while self._work_left() and time.monotonic() < deadline and self._failures == failures:
                self._change.wait(min(0.5, max(0.0, deadline - time.monotonic())))
                if self._left() != left:
                    left, moved = self._left(), time.monotonic()
                if self._remote and time.monotonic() - moved > _STANDSTILL:
                    self._unreachable = f"nothing went through for {_STANDSTILL:.0f} s"
                    break
            self._hurry = False
            return not self._work_left()

    def finish(
        self,
        status: str = "FINISHED",
        artifacts: Sequence[Path] = (),
        limit_s: float = 120.0,
        *,
        trials: Iterable[str] | None = None,
    ) -> bool:
        """Send what is left, store files and folders with the parent run, end it, and end the thread.

        Args:
            status: ``FINISHED``, ``FAILED`` or ``KILLED``.
            artifacts: ``study.yaml``, the tables, the report's folder.
            limit_s: seconds to wait at most.
            trials: keys of all that the study has: runs of others are taken off the front. None leaves them alone.

        Returns:
            Whether MLflow now holds everything; if not, `problem` says why and the next start sends it. A second call
            does nothing.
        """
        with self._change:
            if self._stop:
                return not self._work_left() and self._unreachable is None
            self._end = (status, list(artifacts), None if trials is None else frozenset(trials))
        done = self.flush(limit_s)
        with self._change:
            if not done and self._unreachable is None:
                self._unreachable = f"not done after {limit_s:.0f} s"
            self._stop = True
            self._change.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=1.0)
        return done and self.problem is None

    def _left(self) -> tuple[int, int, bool]:
        return len(self._trials), len(self._progress), self._end is not None

    def _waiting(self) -> bool:
        return bool(self._trials or self._progress or self._end)

    def _ready(self) -> bool:
        return self._waiting() and (self._hurry or time.monotonic() >= self._next_write)

    def _work_left(self) -> bool:
        return self._busy or self._waiting()

    def _work(self) -> None:
        """Connect, then send one thing after the other; after a failure pause, connect anew, go on."""
        runs: StudyRuns | None = None
        while True:
            with self._change:
                while not self._stop and (time.monotonic() < self._retry_at or (runs is not None and not self._ready())):
                    self._busy = runs is None or self._waiting()
                    self._change.notify_all()
                    self._change.wait(1.0)
                if self._stop:
                    return
                self._busy = True
            try:
                if runs is None:
                    runs = StudyRuns(self._place)
                    with self._change:
                        self._ids.update({key: run.run_id for key, run in runs.runs.items()})
                else:
                    self._send_one(runs)
            except Exception as error:  # noqa: BLE001 - whatever MLflow raises must not end the sweep, it is told by `problem`
                runs = None
                self._failed(error)
            else:
                with self._change:
                    self._unreachable = None

    def _send_one(self, runs: StudyRuns) -> None:
        """Send the oldest trials, else the progress, else the end of the study."""
        with self._change:
            entries = list(itertools.islice(self._trials.values(), _AT_ONCE))
            rows, end = list(self._progress) if not entries else [], self._end
        if entries:
            if not self._send_many(runs, entries):
                self._send_trial(runs, entries[0])
            return
        if rows:
            runs.parent.send_progress(rows)
            with self._change:
                del self._progress[: len(rows)]
        elif end is not None:
            status, artifacts, trials = end
            if trials is not None:
                runs.retire(trials)
            runs.parent.end(status, artifacts)
            with self._change:
                self._end = None
        self._next_write = time.monotonic() + _EVERY

    def _send_many(self, runs: StudyRuns, entries: Sequence[TrialEntry]) -> bool:
        """Bring in line what can be written in one go; return whether that was anything."""
        ids = runs.send_many(entries)
        with self._change:
            self._ids |= ids
            for entry in entries:
                if entry.key in ids:
                    self._drop(entry)
        return bool(ids)

    def _send_trial(self, runs: StudyRuns, entry: TrialEntry) -> None:
        """Send one trial; an entry that the server refuses is put aside, so that it does not block the others."""
        try:
            run_id = runs.send_trial(entry)
        except Exception as error:
            if getattr(error, "error_code", None) not in _REFUSALS:
                raise
            with self._change:
                self._refused[entry.key] = short_reason(error)
                self._drop(entry)
            return
        with self._change:
            self._ids[entry.key] = run_id
            self._drop(entry)

    def _drop(self, entry: TrialEntry) -> None:
        """Forget an entry unless a newer one of its key came meanwhile; the lock is held."""
        if self._trials.get(entry.key) is entry:
            del self._trials[entry.key]

    def _failed(self, error: Exception) -> None:
        with self._change:
            self._unreachable = short_reason(error)
            self._retry_at = time.monotonic() + _PAUSES[min(self._failures, len(_PAUSES) - 1)]
            self._failures += 1
            self._busy = False
            self._change.notify_all()
