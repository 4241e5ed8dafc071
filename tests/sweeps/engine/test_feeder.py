"""What Ray Tune is handed: as many trials as could be needed, in their order, and none once the sweep is to stop."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sweeps.engine.quiet import silence
from sweeps.folder.stop_request import StopRequest
from sweeps.plan.workload import Workload
from tests.sweeps.plan.test_workload import Folder, trial

silence()
from ray.air.execution._internal.actor_manager import RayActorManager  # noqa: E402
from ray.tune.execution.tune_controller import TrialRunnerWrapper, TuneController  # noqa: E402
from ray.tune.search import Searcher  # noqa: E402

from sweeps.engine.feeder import MOST_WAITING, Feeder, InTurn, Watcher  # noqa: E402


class Plain:
    """A task that says nothing."""

    def to_plain(self) -> dict[str, Any]:
        return {}


def fed(tmp_path: Path, count: int) -> tuple[Workload, StopRequest, Feeder]:
    folder = Folder()
    folder.ready.add("b")
    workload = folder.workload(*(trial(f"t{number:03}") for number in range(count)))
    stop = StopRequest(tmp_path)
    return workload, stop, Feeder(workload, stop, lambda planned: Plain())  # type: ignore[arg-type, return-value]


def handed_out(feeder: Feeder, most: int = 10_000) -> list[str]:
    found: list[str] = []
    while len(found) < most and isinstance(given := feeder.suggest(f"id{len(found)}"), dict):
        found.append(given["key"])
    return found


def test_all_trials_wait_for_a_place_at_once_in_their_order(tmp_path: Path) -> None:
    workload, _, feeder = fed(tmp_path, 32)
    assert handed_out(feeder) == [f"t{number:03}" for number in range(32)]
    assert (workload.waiting, workload.unplaced, workload.in_place) == (0, 32, 0)


def test_so_many_wait_at_most_and_one_more_comes_for_each_that_starts(tmp_path: Path) -> None:
    workload, _, feeder = fed(tmp_path, MOST_WAITING + 5)
    assert len(handed_out(feeder)) == MOST_WAITING
    assert feeder.suggest("one too many") is None
    watcher = Watcher(feeder, workload, lambda *_: None, lambda *_: True, ())
    watcher.on_trial_start(0, [], SimpleNamespace(trial_id="id0", error_file=None, pickled_error_file=None))
    assert (workload.unplaced, workload.in_place) == (MOST_WAITING - 1, 1)
    assert isinstance(feeder.suggest("next"), dict)
    assert feeder.suggest("one too many") is None
    watcher.on_trial_recover(0, [], SimpleNamespace(trial_id="id0", error_file=None, pickled_error_file=None))
    assert (workload.unplaced, workload.in_place) == (MOST_WAITING + 1, 0)


class Controller:
    """Tune's, as far as its scheduler asks it: trials, and those of them whose worker is on its way."""

    def __init__(self, *states: str, starting: Collection[int] = ()) -> None:
        self.trials = [Trial(f"id{number}", state) for number, state in enumerate(states)]
        self.stopped: list[Trial] = []
        self.stop_trial = self.stopped.append
        self._trial_to_actor = {trial: trial.trial_id for trial in self.trials}
        self._actor_manager = self
        self._starting = {f"id{number}" for number in starting}

    def get_live_trials(self) -> list[Trial]:
        return self.trials[::-1]

    def is_actor_started(self, actor: str) -> bool:
        return actor in self._starting


@dataclass(frozen=True)
class Trial:
    trial_id: str
    status: str


def test_trials_get_their_places_in_the_order_in_which_they_were_handed_out(tmp_path: Path) -> None:
    _, stop, feeder = fed(tmp_path, 3)
    assert len(handed_out(feeder)) == 3
    tune = Controller("PENDING", "RUNNING", "PENDING")
    order = InTurn(feeder)
    assert order.choose_trial_to_run(tune) is tune.trials[0]
    assert not tune.stopped
    stop.ask("time")
    assert order.choose_trial_to_run(tune) is None
    assert tune.stopped == [tune.trials[0], tune.trials[2]]
    assert feeder.suggest("late") == Searcher.FINISHED


def test_a_worker_that_is_free_goes_to_a_trial_that_has_none_on_its_way(tmp_path: Path) -> None:
    _, _, feeder = fed(tmp_path, 4)
    assert len(handed_out(feeder)) == 4
    waiting = ("PENDING", "RUNNING", "PENDING", "PENDING")
    order = InTurn(feeder)
    for starting, chosen in [((0,), 2), ((0, 2), 3), ((0, 2, 3), 0)]:  # the last: the free worker is there at once
        tune = Controller(*waiting, starting=starting)
        assert order.choose_trial_to_run(tune) is tune.trials[chosen]


def test_tune_still_names_the_workers_on_their_way_as_the_stand_in_above_does() -> None:
    assert "self._trial_to_actor: Dict[Trial, TrackedActor]" in inspect.getsource(TuneController.__init__)
    assert "self._actor_manager = " in inspect.getsource(TuneController.__init__)
    assert "self._tune_controller = " in inspect.getsource(TrialRunnerWrapper.__init__)
    assert callable(RayActorManager.is_actor_started)


class Books:
    """What the driver is told of trials, and what it answers."""

    def __init__(self, *, goes_on: bool = True) -> None:
        self.goes_on = goes_on
        self.lost: list[str] = []
        self.ended: list[tuple[str, str | None]] = []

    def note_lost(self, key: str, cause: str, announced: bool) -> bool:
        self.lost.append(key)
        return self.goes_on

    def note_ended(self, key: str, result: dict[str, Any] | None, error: str | None) -> None:
        self.ended.append((key, error))


NAMELESS = {"error_file": None, "pickled_error_file": None}


def test_a_trial_whose_worker_died_while_it_was_handed_over_is_asked_for_anew(tmp_path: Path) -> None:
    workload, _, feeder = fed(tmp_path, 2)
    assert handed_out(feeder) == ["t000", "t001"]
    books = Books()
    watcher = Watcher(feeder, workload, books.note_ended, books.note_lost, ())
    watcher.on_trial_error(0, [], SimpleNamespace(trial_id="id0", **NAMELESS))
    given = feeder.suggest("another")
    assert isinstance(given, dict) and given["key"] == "t000"
    assert (books.lost, books.ended) == (["t000"], [])


def test_a_loss_that_tune_tells_twice_counts_once(tmp_path: Path) -> None:
    workload, _, feeder = fed(tmp_path, 1)
    assert handed_out(feeder) == ["t000"]
    books = Books()
    watcher = Watcher(feeder, workload, books.note_ended, books.note_lost, ())
    tunes = SimpleNamespace(trial_id="id0", **NAMELESS)
    watcher.on_trial_recover(0, [], tunes)
    watcher.on_trial_error(0, [], tunes)
    assert (books.lost, books.ended, workload.waiting) == (["t000"], [], 1)


def test_a_trial_without_hope_ends_with_its_cause_also_where_tune_tells_the_loss_twice(tmp_path: Path) -> None:
    for told_before in (True, False):
        workload, _, feeder = fed(tmp_path, 1)
        assert handed_out(feeder) == ["t000"]
        books = Books(goes_on=False)
        watcher = Watcher(feeder, workload, books.note_ended, books.note_lost, ())
        tunes = SimpleNamespace(trial_id="id0", **NAMELESS)
        if told_before:
            watcher.on_trial_recover(0, [], tunes)
        watcher.on_trial_error(0, [], tunes)
        assert (books.lost, books.ended) == (["t000"], [("t000", "the worker was lost")])
