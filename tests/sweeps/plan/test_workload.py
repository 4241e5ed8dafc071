"""Which trial may start: baselines first, what needs them when they are there, nothing twice, nothing lost."""

from __future__ import annotations

from collections import Counter

import pytest

from prune_core.trial.description import BaselineDescription, EvaluationDescription, TrialDescription
from prune_core.trial.description_parts import DataDescription, NetworkDescription
from sweeps.plan.trials import PlannedTrial
from sweeps.plan.workload import Workload

BASELINE = BaselineDescription(0, DataDescription("digits"), NetworkDescription("small_vgg"), None, 0)
DESCRIPTION = TrialDescription("pruned", BASELINE, EvaluationDescription(), 0)


def trial(key: str, kind: str = "pruned", base: str = "b", budgets: tuple[int, ...] = (0,)) -> PlannedTrial:
    return PlannedTrial(
        key=key,
        name=key,
        kind=kind,
        arm="arm",
        network="network",
        method="method",
        ratio="0.5",
        seed=0,
        budgets=budgets,
        description=DESCRIPTION,
        baseline_key=base,
        report_budgets=budgets,
    )


class Folder:
    """What the trials' folders would say."""

    def __init__(self) -> None:
        self.ended: dict[str, str] = {}
        self.ready: set[str] = set()
        self.failed: dict[str, str] = {}
        self.blocked: dict[str, str] = {}
        self.asked: Counter[str] = Counter()

    def baseline_ready(self, key: str) -> bool:
        self.asked[key] += 1
        return key in self.ready

    def block(self, blocked: PlannedTrial, cause: str) -> None:
        self.blocked[blocked.key] = cause

    def workload(self, *trials: PlannedTrial) -> Workload:
        return Workload(
            trials,
            ended=lambda each: self.ended.get(each.key),
            baseline_ready=self.baseline_ready,
            baseline_failure=self.failed.get,
            block=self.block,
        )


def names(workload: Workload) -> list[str]:
    """What may start now, all of it, in its order."""
    found = []
    while (each := workload.next()) is not None:
        found.append(each.key)
    return found


def test_trials_of_a_ready_baseline_start_while_another_still_trains() -> None:
    folder = Folder()
    workload = folder.workload(trial("b", "baseline"), trial("c", "baseline", "c"), trial("x"), trial("y", base="c"))
    assert names(workload) == ["b", "c"]
    folder.ready.add("c")
    workload.finished("c", "complete")
    assert names(workload) == ["y"]
    assert not workload.exhausted


def test_each_baseline_is_looked_for_once_however_many_trials_wait_for_it() -> None:
    folder = Folder()
    workload = folder.workload(trial("b", "baseline"), *(trial(f"t{number}") for number in range(1000)))
    assert names(workload) == ["b"]
    assert folder.asked == {"b": 1}


def test_a_baseline_that_nobody_else_makes_is_made_by_one_of_the_trials_that_wait_for_it() -> None:
    folder = Folder()
    folder.ended["b"] = "complete"  # but its entry of the store is gone
    workload = folder.workload(trial("b", "baseline"), trial("x"), trial("y"), trial("z", base="c"))
    assert names(workload) == ["x", "z"], "one for each baseline, the others wait for it"
    workload.finished("x", "failed")  # and did not make it
    assert names(workload) == ["y"]
    folder.ready.add("b")
    workload.finished("y", "complete")
    workload.finished("z", "complete")
    assert workload.exhausted


def test_what_needs_a_failed_baseline_is_closed_with_its_cause() -> None:
    folder = Folder()
    workload = folder.workload(trial("x"), trial("y"), trial("z", base="c"))
    folder.failed["b"] = "diverged: loss is not finite"
    folder.ready.add("c")
    assert names(workload) == ["z"]
    assert folder.blocked == dict.fromkeys(("x", "y"), "its baseline failed: diverged: loss is not finite")
    workload.finished("z", "complete")
    assert workload.exhausted
    assert workload.done == {"x": "failed", "y": "failed", "z": "complete"}


@pytest.mark.parametrize("status", ["complete", "failed"])
def test_what_has_ended_does_not_run_and_an_interrupted_trial_stays_to_be_done(status: str) -> None:
    folder = Folder()
    folder.ended["x"] = status
    folder.ready.add("b")
    workload = folder.workload(trial("x"), trial("y"))
    assert names(workload) == ["y"]
    workload.finished("y", None)
    assert not workload.done.get("y")


def test_trials_of_a_lost_ray_wait_again_first_and_with_all_their_budgets() -> None:
    folder = Folder()
    folder.ready.add("b")
    workload = folder.workload(trial("x"), trial("y"))
    assert workload.next() == trial("x")
    workload.add([trial("x", budgets=(5,))])  # grown while it runs
    workload.take_back()
    assert workload.next() == trial("x", budgets=(0, 5))
    assert workload.next() == trial("y")


def test_a_trial_that_lost_its_worker_waits_again_before_the_others_and_loses_its_place() -> None:
    folder = Folder()
    folder.ready.add("b")
    workload = folder.workload(trial("x"), trial("y"), trial("z"))
    assert [workload.next(), workload.next()] == [trial("x"), trial("y")]
    workload.take_place("x")
    folder.ended["x"] = "complete"  # its worker died after that: the next one finds it, and it ends as every trial does
    workload.begin_again("x")
    assert (workload.in_place, workload.waiting, sorted(workload.running)) == (0, 2, ["y"])
    assert [workload.next(), workload.next()] == [trial("x"), trial("z")]


def test_what_comes_afterwards_is_asked_for_once_when_all_else_has_ended() -> None:
    folder, asked = Folder(), Counter[str]()

    def afterwards() -> list[PlannedTrial]:
        asked["afterwards"] += 1
        return [trial("late", kind="baseline")]

    work = Workload(
        [trial("b", kind="baseline")],
        ended=lambda each: folder.ended.get(each.key),
        baseline_ready=folder.baseline_ready,
        baseline_failure=folder.failed.get,
        block=lambda each, cause: None,
        afterwards=afterwards,
    )
    first = work.next()
    assert first is not None and first.key == "b"
    assert work.next() is None and not work.exhausted and not asked  # it still runs
    work.finished("b", "complete")
    assert not work.exhausted
    second = work.next()
    assert second is not None and second.key == "late"
    work.finished("late", "complete")
    assert work.next() is None and work.exhausted and asked["afterwards"] == 1


class Stream:
    """A search that has a candidate whenever it is asked, and counts."""

    def __init__(self) -> None:
        self.asked = 0

    def more(self, count: int, *, wait: bool = True) -> list[PlannedTrial]:
        self.asked += 1
        return [trial(f"c{self.asked}")]

    def ended(self, key: str) -> None:
        return

    exhausted = False
    to_come = 1


@pytest.mark.parametrize(("limit", "expected"), [(None, 50), (5, 5)])
def test_a_search_is_asked_for_no_more_than_there_is_room_for(limit: int | None, expected: int) -> None:
    stream = Stream()
    workload = Workload(
        [],
        ended=lambda each: None,
        baseline_ready=lambda key: True,
        baseline_failure=lambda key: None,
        block=lambda each, cause: None,
        candidates=stream,
        ahead=1,
    )
    workload.limit = None if limit is None else lambda: limit
    given = [workload.next() for _ in range(50)]
    assert sum(each is not None for each in given) == stream.asked == expected
    workload.finished("c1", "complete")
    assert workload.next() is not None
    assert stream.asked == expected + 1


def test_a_trial_that_is_to_be_tried_again_waits_until_it_is_alone() -> None:
    """Behind all others, also those that come later; when none of them runs any more; and nothing starts beside it."""
    folder = Folder()
    folder.ready = {"b"}
    workload = folder.workload(trial("one"), trial("two"), trial("three"))
    assert handed_out(workload, 1) == ["one"]
    workload.take_place("one")
    workload.again("one")
    workload.add([trial("four")])
    assert workload.in_place == 0 and handed_out(workload) == ["two", "three", "four"]
    for key in ("two", "three"):
        workload.finished(key, "complete")
        assert handed_out(workload) == []
    workload.finished("four", "complete")
    assert handed_out(workload) == ["one"]
    workload.add([trial("five")])
    assert handed_out(workload) == [] and not workload.exhausted
    workload.finished("one", "failed")
    assert handed_out(workload) == ["five"]
    workload.finished("five", "complete")
    assert workload.exhausted


def handed_out(workload: Workload, most: int = 10) -> list[str]:
    found: list[str] = []
    while len(found) < most and (given := workload.next()) is not None:
        found.append(given.key)
    return found
