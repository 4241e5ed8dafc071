"""One run of a study, read as verbs: hold the folder, plan, open the books, sweep, close the books, report."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from prune_core.errors import BadInput
from sweeps.books import Books, lines_of
from sweeps.lock import driving
from sweeps.plan import Plan, PlannedTrial, make_plan
from sweeps.plan_state import store_folder, trial_folder
from sweeps.progress import FRONT_COLUMNS, Progress
from sweeps.ray_session import LostRay, require_node
from sweeps.stopping import StopRequest, listening
from sweeps.study import Study
from sweeps.workload import Workload

RAY_LIVES = 3
"""How often a run starts a Ray of its own: once, and again after something killed it."""

GRACE_SECONDS = 8.0
"""After SIGTERM (a preempted node) the driver leaves within ten seconds, whatever its trials do."""


def run_study(
    study: Study,
    out: Path,
    *,
    address: str | None = None,
    max_hours: float | None = None,
    allow_failures: bool = False,
    retry: bool = False,
    on_end: Callable[[Path], Path] | None = None,
    console: Console | None = None,
) -> int:
    """Do what is missing of a study, and end with the report.

    Args:
        study: the checked study.
        out: its output folder; made when missing.
        address: a Ray cluster's address; None starts a Ray on this machine.
        max_hours: hard cap on the wall time; the report of what is there is built all the same.
        allow_failures: exit 0 although trials failed or diverged.
        retry: run failed and diverged trials again.
        on_end: builds the report of a folder and returns its path.
        console: where the user is told; standard output by default.

    Returns:
        The exit status: 0 done, 1 a trial failed or the work could not be finished, 130 interrupted.

    Raises:
        BadInput: the folder is held by another run, or cannot be written.
    """
    console = console or Console()
    if not console.is_terminal:
        console.width = max(console.width, 120)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--out {out}: cannot be made ({error.strerror}); give a folder that can be written") from None
    try:
        with driving(out):
            return _Run(study, out, console).work(address, max_hours, allow_failures, retry, on_end)
    except PermissionError as error:
        raise BadInput(f"{out}: not writable ({error.strerror}); give another --out") from None
    except SystemExit as left:  # Ray's own handler of SIGTERM, while it starts
        if left.code != signal.SIGTERM:
            raise
        console.print(
            f"interrupted; run the same command again to go on with {out}", soft_wrap=True, highlight=False, markup=False
        )
        return 130
    except ConnectionError as error:
        console.print(f"stopped: {error}", soft_wrap=True, highlight=False, markup=False)
        return 1
    except OSError as error:
        if error.filename is None and error.errno is None:
            raise
        console.print(
            f"[red]stopped:[/red] {error.strerror}: {error.filename or out}; nothing that was finished is lost, "
            "make room and run the same command again",
            soft_wrap=True,
            highlight=False,
        )
        return 1


class _Run:
    """The state of one run."""

    def __init__(self, study: Study, out: Path, console: Console) -> None:
        self.study = study
        self.out = out.resolve()
        self.console = console
        self.disk_problem: str | None = None

    def work(
        self,
        address: str | None,
        max_hours: float | None,
        allow_failures: bool,
        retry: bool,
        on_end: Callable[[Path], Path] | None,
    ) -> int:
        plan = make_plan(self.study, self.out)
        if retry:
            plan.forget_failures(self.out)
        self._say(plan.summary(self.out))
        books = Books(self.study, plan, self.out)
        stop = StopRequest(self.out)
        workload = self._workload(plan, books)
        books.start()
        try:
            if workload.exhausted:
                self._say("everything is there: nothing to run")
            else:
                self._sweep(workload, books, stop, address, max_hours or self.study.resources.max_hours)
            return self._end(workload, books, stop, allow_failures, on_end)
        finally:
            stop.clear()

    def _workload(self, plan: Plan, books: Books) -> Workload:
        workload = Workload(
            plan.trials,
            ended=lambda trial: plan.status(trial, self.out),
            baseline_ready=lambda key: plan.baseline_ready(key, self.out),
            baseline_failure=lambda key: plan.baseline_failure(key, self.out),
            block=lambda trial, cause: plan.block(trial, self.out, cause),
            candidates=books.feed,
            ahead=self._concurrency(),
        )
        if self.study.search.kind == "grid":  # all of it at once, in the plan's order
            workload.add(books.feed.more(sys.maxsize))
        return workload

    def _concurrency(self) -> int:
        resources = self.study.resources
        if resources.max_concurrent is not None:
            return resources.max_concurrent
        return max(1, int((os.cpu_count() or 1) / resources.cpus_per_trial))

    def _sweep(
        self, workload: Workload, books: Books, stop: StopRequest, address: str | None, max_hours: float | None
    ) -> None:
        started = time.monotonic()
        progress = Progress(self.console, workload, books.front_rows)

        def ended(key: str, result: dict[str, Any] | None, error: str | None) -> None:
            if error is not None:
                require_node(address)  # without its node every worker is lost, which says nothing about the trial
            status = books.trial_ended(workload.running[key], error)
            if result is not None and result.get("status") == "disk":
                self.disk_problem = result.get("cause")
                stop.ask("disk")
            workload.finished(key, status)
            progress.pace.ended += 1

        def tick() -> None:
            progress.tick()
            if max_hours is not None and time.monotonic() - started > max_hours * 3600:
                stop.ask("time")
            if stop.signal_number == signal.SIGTERM and not leaving.is_alive():
                leaving.start()

        leaving = threading.Timer(GRACE_SECONDS, self._leave)
        leaving.daemon = True
        with listening(stop, self._leave), progress:
            for attempt in range(1, RAY_LIVES + 1):
                try:
                    self._sweep_once(workload, stop, address, ended, tick)
                    break
                except LostRay as lost:
                    if attempt == RAY_LIVES:
                        raise ConnectionError(f"{lost}, {RAY_LIVES} times in this run; run the same command again") from None
                    workload.take_back()
                    books.catch_up()
            progress.tick(force=True)
        leaving.cancel()

    def _sweep_once(
        self,
        workload: Workload,
        stop: StopRequest,
        address: str | None,
        ended: Callable[[str, dict[str, Any] | None, str | None], None],
        tick: Callable[[], None],
    ) -> None:
        """Run the workload on one Ray, which is taken down again."""
        from prune_core.evaluation import recommended_environment
        from sweeps.ray_session import node_watch, ray_session

        resources = self.study.resources
        cpus = None if address else self._cpus()
        scratch = self.out / ".tune"
        with (
            ray_session(address=address, cpus=cpus, gpus=None, environment=recommended_environment()),
            listening(stop, self._leave),  # again: Ray puts a SIGTERM handler of its own in place of ours
        ):
            from sweeps.launch import Place, launch

            place = Place(resources.cpus_per_trial, resources.gpus_per_trial, scratch, self._concurrency())
            look = node_watch(address)
            if stop.reason is None:
                ticks = (tick, look)
                launch(workload, place=place, stop=stop, configure=self._configure, ended=ended, ticks=ticks)
        shutil.rmtree(scratch, ignore_errors=True)

    def _cpus(self) -> int:
        return max(1, round(self._concurrency() * self.study.resources.cpus_per_trial))

    def _configure(self, trial: PlannedTrial) -> dict[str, Any]:
        resources = self.study.resources
        return {
            "key": trial.key,
            "name": trial.name,
            "description": trial.description,
            "budgets": list(trial.budgets),
            "folder": str(trial_folder(self.out, trial.key)),
            "store": str(store_folder(self.out)),
            "cache": None,
            "ece_bins": self.study.evaluation.ece_bins,
            "keep": "all",
            "plugins": list(self.study.plugins),
            "plugin_paths": list(self.study.plugin_paths),
            "hang_factor": resources.hang_factor,
            "hang_floor_seconds": resources.hang_floor_seconds,
            "checkpoint_seconds": resources.checkpoint_seconds,
            "memory_fraction": resources.gpus_per_trial if 0 < resources.gpus_per_trial < 1 else None,
            "stop_token": str(StopRequest.token_of(self.out)),
        }

    def _leave(self) -> None:
        """End this process now; what trials wrote stays, and Ray's processes end with their driver."""
        os._exit(130)

    def _end(
        self,
        workload: Workload,
        books: Books,
        stop: StopRequest,
        allow_failures: bool,
        on_end: Callable[[Path], Path] | None,
    ) -> int:
        interrupted = stop.signal_number is not None
        books.tracker.flush(limit_s=2.0 if interrupted else 60.0)  # the tables name MLflow's run of each trial
        fresh = books.write_tables()
        page = self.out / "report" / "index.html"
        report = page if page.exists() and not fresh else None  # nothing new: the page that is there says it all
        if report is None and not interrupted and on_end is not None:
            report = on_end(self.out)
        books.finish("KILLED" if interrupted else "FINISHED", report)
        if self.study.tracking.log_models and not interrupted:
            self._log_models()
        self._show_front(books.front_rows())
        for line in lines_of(books.failures()):
            self._say(line)
        if workload.exhausted and stop.reason is None:
            gone = books.thin()
            if gone:
                self._say(f"keep: {self.study.keep}; {gone} files of weights and logits removed")
        for problem in books.problems():
            self._say(problem)
        if self.disk_problem:
            self._say(
                f"stopped: {self.disk_problem}; nothing that was finished is lost, make room and run the same command again"
            )
            return 1
        if interrupted:
            self._say(f"interrupted; what is finished is kept in {self.out}: run the same command again to go on")
            return 130
        if stop.reason == "time":
            self._say(
                f"the time allowed is over; {workload.waiting} trials are still to be done: run the same command again"
            )
        if report is not None:
            self._say(f"report: {report}")
        bad = [status for status in workload.done.values() if status in ("failed", "diverged")]
        return 1 if bad and not allow_failures else 0

    def _log_models(self) -> None:
        from sweeps.tracking_models import log_front_models

        try:
            for line in log_front_models(self.out):
                self._say(line)
        except BadInput as error:
            self._say(f"no models in MLflow: {error}")

    def _show_front(self, rows: list[tuple[str, ...]]) -> None:
        table = Table(title="the front", title_justify="left", box=None, pad_edge=False)
        for name, justify in FRONT_COLUMNS:
            table.add_column(name, justify=justify)
        for row in rows:
            table.add_row(*row)
        if rows:
            self.console.print(table)

    def _say(self, line: str) -> None:
        self.console.print(line, soft_wrap=True, highlight=False, markup=False)
