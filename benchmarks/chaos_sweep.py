"""One study under torment: the command that is started again and again, and the processes that belong to it."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import psutil

from sweeps.engine.folder import PREFIX

if TYPE_CHECKING:
    from benchmarks.chaos_places import Surroundings

MARK = "PRUNEFRONT_CHAOS"
"""An environment variable that every process below the driver inherits, so that those left behind are found."""

LEFT_SECONDS = 30.0
"""How long what a driver started may take to be gone after it."""
TEND_SECONDS = 10.0
"""Between two looks of those who look after a site."""


class Sweep:
    """The command ``prunefront run`` on one output folder, in one place."""

    def __init__(self, study: str, place: Surroundings) -> None:
        self.study, self.place = study, place
        self.out = place.folder / "runs" / study
        self.log = place.folder / "log"
        self.mark = secrets.token_hex(8)
        self.temporary = Path(tempfile.mkdtemp(prefix="c", dir="/tmp"))  # a short path, for Ray's sockets
        self._process: subprocess.Popen[bytes] | None = None
        self.status: int | None = None
        self.first_end: str | None = None
        self.killed = False
        self.finished: dict[str, int] = {}
        """When the outcome of each finished trial was written; a finished trial never runs again."""
        self.again: set[str] = set()
        self.abandoned: set[str] = set()
        """Folders of Ray that stayed though driver and reaper were not killed together: one of them had the time."""
        self._excused: set[Path] = set()
        self._tended = time.monotonic()
        self.wrong: list[str] = []
        """What went wrong on the way, a phrase each."""
        self._said_from = 0
        self._mends: list[tuple[float, Callable[[], None]]] = []

    def __enter__(self) -> Sweep:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process is not None and self.status is None:
            self.kill_family()
        shutil.rmtree(self.temporary, ignore_errors=True)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The driver that was started last."""
        if self._process is None:
            raise RuntimeError("the command was not started yet")
        return self._process

    def start(self) -> None:
        """Start the command (again)."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._said_from = self.log.stat().st_size if self.log.exists() else 0
        self.status, self.killed = None, False
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.place.command(self.study, self.out),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "TMPDIR": str(self.temporary), **self.place.environment(), MARK: self.mark},
            )

    def wait(self, seconds: float) -> None:
        """Wait so long, or until the driver ends; what is due to be mended is mended meanwhile."""
        end = time.monotonic() + seconds
        while self.status is None:
            self._mend_due(time.monotonic())
            self._tend(time.monotonic())
            left = end - time.monotonic()
            if left <= 0:
                return
            self._wait_a_little(min(left, 0.2))
        self.look_at_finished()
        self._look_at_folders()

    def _wait_a_little(self, seconds: float) -> None:
        try:
            self.status = self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return

    def said(self) -> str:
        """Return how the driver ended, or that it goes on."""
        if self.status is None:
            return "went on"
        if self.killed:
            return "killed"
        if self.status < 0:
            return f"ended by {signal.Signals(-self.status).name}"
        return f"exit {self.status}"

    def said_last(self) -> str:
        """Return what the last start of the command has printed."""
        return self.log.read_bytes()[self._said_from :].decode(errors="replace")

    def later(self, seconds: float, mend: Callable[[], None]) -> None:
        """Have something mended after so many seconds."""
        self._mends.append((time.monotonic() + seconds, mend))

    def mend_all(self) -> None:
        """Mend whatever is still broken, now."""
        self._mend_due(float("inf"))

    def _tend(self, now: float) -> None:
        if now - self._tended > TEND_SECONDS:
            self._tended = now
            self.place.tend()

    def _mend_due(self, now: float) -> None:
        due = [each for each in self._mends if each[0] <= now]
        self._mends = [each for each in self._mends if each[0] > now]
        for _, mend in due:
            mend()

    def look_at_finished(self) -> None:
        """Note which trials have ended by now, and which have ended twice."""
        for path in self.out.glob("trials/*/outcome.json"):
            written = path.stat().st_mtime_ns
            if self.finished.setdefault(path.parent.name, written) != written:
                self.again.add(path.parent.name)

    def _look_at_folders(self, *, excused: bool = False) -> None:
        """Note which folders of Ray are left; the reaper of a driver that could not remove its own may take its seconds."""
        end = time.monotonic() + (0.0 if excused else LEFT_SECONDS)
        while (left := set(self.temporary.glob(f"{PREFIX}*")) - self._excused) and time.monotonic() < end:
            time.sleep(0.2)
        if not excused:
            self.abandoned |= {f"{each.name} after {self.said()}" for each in left}
        self._excused |= left

    def family(self) -> list[psutil.Process]:
        """Return everything that the driver started and that still runs."""
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def workers(self) -> list[psutil.Process]:
        """Return the Ray workers that run trials, wherever they are."""
        return [each for each in [*self.family(), *self.place.processes()] if named(each, "ray::Implicit", "ray::_run")]

    def kill_family(self) -> None:
        """``kill -9`` of the driver and of everything that it started."""
        self.killed = True
        for member in self.family():
            kill(member)
        self.process.kill()
        self.place.stop()
        self.status = self.process.wait()
        self._look_at_folders(excused=True)

    def left_behind(self) -> list[psutil.Process]:
        """Return living processes that descend from this study's drivers."""
        return [each for each in psutil.process_iter() if marked(each, self.mark)]


def named(process: psutil.Process, *starts: str) -> bool:
    """Return whether a living process has a name that starts so."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.name().startswith(starts)
    except psutil.NoSuchProcess:
        return False


def marked(process: psutil.Process, mark: str) -> bool:
    """Return whether a living process inherited the mark."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark
    except psutil.Error:
        return False


def kill(process: psutil.Process) -> None:
    """``kill -9``, if it is still there."""
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
