"""The sweep: Ray started, the workload run on it, what comes back written into the books; again when Ray is lost."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from prune_core.base.trial_folder import COMPLETE, read_progress
from prune_core.evaluation.evaluation import recommended_environment
from sweeps.engine.cluster_places import cluster_places
from sweeps.engine.cluster_watch import watching
from sweeps.engine.losses import LOST_WORKERS, Kept, Losses, kept_in
from sweeps.engine.node_pace import NodePace
from sweeps.engine.session import LostRay, head_address, node_watch, ray_session, require_node
from sweeps.engine.task import Task
from sweeps.engine.trial_log import tell_log, where_is, where_seconds
from sweeps.engine.worker import ALONE, CODE, DISK
from sweeps.folder.paths import TUNE, store_folder, trial_folder
from sweeps.folder.places_file import places_forgotten
from sweeps.folder.stop_request import StopRequest, listening
from sweeps.plan.places import memory_fraction, places
from sweeps.plan.trials import PlannedTrial
from sweeps.plan.workload import Workload
from sweeps.run.books import Books
from sweeps.run.configuration import configuration
from sweeps.run.head import Head
from sweeps.run.leave import leave, leaving
from sweeps.run.places_text import places_line
from sweeps.run.progress import Progress, say
from sweeps.run.stages import Stages
from sweeps.run.storage_mover import Mover
from sweeps.storage.files import fetch_to_judge
from sweeps.study.model import Study

if TYPE_CHECKING:
    from sweeps.engine.places import Places

RAY_LIVES = 3
"""How often a run starts a Ray of its own: once, and again after something killed it."""

WORKER_STARTS = "the first worker starts"
LAST_WAIT_SECONDS = 60.0
"""When the time allowed is over, trials stop at their next step; one that has not by then is left behind."""


class OutOfTime(Exception):
    """The time allowed is over, and some trial does not stop."""


@dataclass
class Sweep:
    """What is still to be done of a study, on its way through Ray.

    Attributes:
        study: the study.
        out: its output folder, absolute.
        console: where the user is told.
        books: where results are written down.
        workload: what waits, runs and is done.
        stop: how the sweep is asked to stop.
        mover: sends what has ended to the object storage, where the study has one.
        share: GPUs, or the share of one, that a trial gets.
        planned: seconds that the plan expects of the run; None where it does not know.
        stages: takes note of where the time goes.
        losses: how often workers were lost without their trials getting further.
    """

    study: Study
    out: Path
    console: Console
    books: Books
    workload: Workload
    stop: StopRequest
    mover: Mover
    share: float
    planned: float | None = None
    stages: Stages = field(default_factory=Stages)
    losses: Losses = field(default_factory=Losses, init=False)
    _alone: set[str] = field(default_factory=set, init=False)
    _pace: NodePace = field(default_factory=NodePace, init=False)
    _places: Places | None = field(default=None, init=False)
    _deadline: float | None = field(default=None, init=False)
    _address: str | None = field(default=None, init=False)
    _ray_lost: LostRay | None = field(default=None, init=False)

    def run(self, address: str | None, deadline: float | None) -> None:
        """Run until everything has ended, or somebody or the clock asks to stop.

        Args:
            address: a Ray cluster's address; None starts a Ray on this machine.
            deadline: on the monotonic clock; None never.

        Raises:
            ConnectionError: Ray did not start, or was lost too often.
        """
        self._address, self._deadline = address, deadline
        self._head = Head(self.console, str(address), leave)
        self._progress = Progress(
            self.console,
            self.workload,
            self.books.front,
            doing=lambda trial: read_progress(trial_folder(self.out, trial.key)),
            planned=self.planned,
            places=self._places_line,
        )
        with listening(self.stop, leaving(self.console, self.out)), self._progress, places_forgotten(self.out):
            self._progress.tick(force=True)  # before Ray starts, which takes seconds
            for attempt in range(1, RAY_LIVES + 1):
                try:
                    self._once()
                    break
                except OutOfTime:
                    break
                except LostRay as lost:
                    if attempt == RAY_LIVES:
                        raise ConnectionError(f"{lost}, {RAY_LIVES} times in this run; run the same command again") from None
                    self.losses.forget()
                    self.workload.take_back()
                    self.books.catch_up()
            self._places = None  # Ray has ended, and its places with it
            self._progress.end()

    def _once(self) -> None:
        """Run the workload on one Ray, which is taken down again."""
        resources, address = self.study.resources, self._address
        here = places(resources, self.share)
        cpus = None if address else max(1, round(here * resources.cpus_per_trial))
        tune_folder = self.out / TUNE
        if tune_folder.is_symlink():  # Tune would write, and leave its files, where it leads to
            tune_folder.unlink()
        self.stages.enter("Ray starts")
        head = head_address(address) if address else None
        with (
            watching(head, self._head),
            ray_session(address=head, cpus=cpus, gpus=None, environment=recommended_environment()),
            listening(
                self.stop, leaving(self.console, self.out)
            ),  # again: Ray puts a SIGTERM handler of its own in place of ours
        ):
            from sweeps.engine.cluster_check import check_nodes
            from sweeps.engine.launch import TuneSettings, launch
            from sweeps.engine.places import Places, nodes_up, refuse_what_never_fits

            if address:
                check_nodes(self.out, self.study)
            # on a cluster Ray alone knows what fits, also when nodes come and go
            at_once = resources.max_concurrent if address else here
            self.workload.limit = self._asked_at_most() if address else None
            asked = self._asked()
            self._places = Places(self.out, self.workload, asked, self._pace)
            if address is None:
                refuse_what_never_fits(nodes_up(), asked)
            cpus_of = resources.cpus_per_trial
            settings = TuneSettings(cpus_of, self.share, tune_folder, at_once, resources.custom, own=address is None)
            if self.stop.reason is None:
                self.stages.enter(WORKER_STARTS)
                with self._ray_errors():
                    launch(
                        self.workload,
                        settings=settings,
                        stop=self.stop,
                        configure=self._configured,
                        ended=self._ended,
                        lost=self._lost_worker,
                        ticks=(self._places.tick, self._tick, node_watch(address)),
                    )
            self.stages.enter("Ray ends")
        shutil.rmtree(tune_folder, ignore_errors=True)

    def _asked(self) -> dict[str, float]:
        """Return what a trial books, by Ray's names."""
        resources = self.study.resources
        return {"CPU": resources.cpus_per_trial, "GPU": self.share, **resources.custom}

    def _asked_at_most(self) -> Callable[[], int] | None:
        """A search that learns from each trial is asked for what the nodes hold and one more, by which they may grow."""
        search, resources = self.study.search, self.study.resources
        if search.kind != "optuna" or search.batch is not None or resources.max_concurrent is not None:
            return None
        held = cluster_places(self._asked())
        return lambda: held() + 1

    @contextmanager
    def _ray_errors(self) -> Iterator[None]:
        """A cluster that is lost, or was started anew, ends the driver; a Ray of our own without its node is `LostRay`."""
        from ray.exceptions import RayError
        from ray.tune.error import TuneError

        self._ray_lost = None
        try:
            yield
        except TuneError:
            if self._ray_lost is not None:  # Tune makes an error of its own of what a callback raises
                raise self._ray_lost from None
            raise
        except RayError as error:
            if self._address is None:
                require_node(None)
                raise
            reason = (str(error).strip() or type(error).__name__).splitlines()[0].split(". Ensure")[0]
            self._head.give_up(f"was lost ({reason[:160]})")

    def _places_line(self) -> str:
        return places_line(None if self._places is None else self._places.now())

    def _note_pace(self, trial: PlannedTrial) -> None:
        """Take note of how long a trial took where: the same method, network and epochs are the same work."""
        folder = trial_folder(self.out, trial.key)
        where = where_is(folder)
        seconds = where_seconds(folder)
        if where is not None and seconds is not None:
            self.stages.trial(str(where.get("host")), seconds, folder)
            self._pace.note(str(where.get("node")), (trial.kind, trial.network, trial.method, trial.budgets), seconds)

    def _ended(self, key: str, result: dict[str, Any] | None, error: str | None) -> None:
        if error is not None:
            self._require_ray(key, error)
        trial = self.workload.running[key]
        if result is not None and result.get("status") == ALONE:
            say(self.console, f"{trial.name}: out of memory on its share of a GPU; it is tried once more, alone")
            self._alone.add(key)
            self.workload.again(key)
            return
        status = self.books.trial_ended(trial, error)
        for line in self.books.doubts_after(trial):
            say(self.console, line)
        if result is not None and result.get("status") in (DISK, CODE):
            self.stop.ask(str(result["status"]), cause=result.get("cause"))
        self.workload.finished(key, status)
        if status is not None:
            self.mover.offer([key])
        if status == COMPLETE:
            self._note_pace(trial)
        if status is not None:  # not what was called back as the sweep stopped
            self._progress.pace.note_end()

    def _lost_worker(self, key: str, error: str, announced: bool) -> bool:
        """Say whether a trial goes on after its worker was lost: as long as it gets further, or its node was to leave."""
        trial = self.workload.running[key]
        tell_log(
            trial_folder(self.out, key),
            f"its node leaves the cluster ({error})" if announced else f"lost its worker: {error}",
        )
        if announced:
            say(self.console, f"{trial.name}: its node leaves the cluster; it goes on elsewhere from its checkpoint")
            return True
        again = self.losses.count(key, self._kept(trial)) <= LOST_WORKERS
        if not again:
            self._require_ray(key, error)  # here, where Tune lets what is raised pass
        return again

    def _require_ray(self, key: str, error: str) -> None:
        """Raise `LostRay` where a loss says nothing about the trial: without its node every worker is lost."""
        try:
            require_node(self._address)
            require_begun(trial_folder(self.out, key), error)
        except LostRay as lost:
            self._ray_lost = lost
            raise

    def _kept(self, trial: PlannedTrial) -> Kept:
        return kept_in(trial_folder(self.out, trial.key), store_folder(self.out), trial.baseline_key)

    def _configured(self, trial: PlannedTrial) -> Task:
        fetch_to_judge(trial_folder(self.out, trial.key), trial.report_budgets)
        self.losses.begin(trial.key, self._kept(trial))
        fraction = None if trial.key in self._alone else memory_fraction(self.share)
        return configuration(self.study, self.out, trial, fraction, may_move=self._address is not None)

    def _tick(self) -> None:
        if self.stages.stage == WORKER_STARTS and self.workload.in_place:
            self.stages.enter("trials run")
        self._progress.tick()
        if self._deadline is None or time.monotonic() < self._deadline:
            return
        self.stop.ask("time")
        if time.monotonic() > self._deadline + LAST_WAIT_SECONDS:
            raise OutOfTime


def require_begun(folder: Path, error: str) -> None:
    """Raise `LostRay` when no worker ever came as far as a trial's folder: Ray could not start one."""
    if not folder.exists():
        raise LostRay(f"Ray could not start a worker ({error})")
