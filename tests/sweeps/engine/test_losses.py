"""Losses count only where a trial did not get further: its records, its checkpoints, its baseline."""

from __future__ import annotations

from pathlib import Path

import pytest

from prune_core.base.files import write_json
from prune_core.base.store import Store
from prune_core.base.trial_folder import RECORD, STATE, budget_folder
from prune_core.training import TrainingState
from sweeps.engine.losses import LOST_WORKERS, Kept, Losses, kept_in


def test_five_losses_each_after_progress_count_for_nothing() -> None:
    losses = Losses()
    assert [losses.count("t", Kept(walk=(0, step))) for step in (5, 6, 9, 10, 11)] == [0] * 5


def test_losses_on_the_spot_are_counted_from_the_last_progress_on() -> None:
    losses = Losses()
    places = [(0, 0), (0, 0), (1, 3), (1, 3), (1, 3), (1, 3), (1, 3)]
    assert [losses.count("t", Kept(walk=place)) for place in places] == [1, 2, 0, 1, 2, 3, 4]
    assert LOST_WORKERS == 3, "so that the fourth of those ends the trial"


def test_losses_with_the_node_are_forgotten_but_not_how_far_the_trial_was() -> None:
    losses = Losses()
    assert [losses.count("t", Kept(walk=(1, 3))) for _ in range(4)] == [0, 1, 2, 3]
    losses.forget()
    assert [losses.count("t", Kept(walk=(1, 3))) for _ in range(2)] == [1, 2]


def test_trials_are_counted_apart() -> None:
    losses = Losses()
    assert [losses.count(key, Kept()) for key in ("a", "b", "a")] == [1, 1, 2]


def test_a_second_walk_that_comes_to_where_the_first_was_is_progress_and_a_removed_checkpoint_is_none() -> None:
    losses = Losses()
    kept = [Kept(walk=(9, 0)), Kept(walk=(9, 0), second_walk=(1, 0)), Kept(walk=(9, 0)), Kept(walk=(4, 0))]
    assert [losses.count("t", each) for each in kept] == [0, 0, 1, 2]


@pytest.mark.parametrize("what", ["record", "checkpoint", "checkpoint of the baseline", "baseline"])
def test_what_a_worker_leaves_is_seen(what: str, tmp_path: Path) -> None:
    folder, store = tmp_path / "trials" / "t", Store(tmp_path / ".store")
    before = kept_in(folder, store.root, "b")
    assert before == Kept()
    if what == "record":
        write_json(budget_folder(folder, 0) / RECORD, {"accuracy": 0.5})
    elif what == "checkpoint":
        folder.mkdir(parents=True)
        TrainingState(epoch=2, step=7).save(folder / STATE)
    elif what == "checkpoint of the baseline":
        store.partial("b").parent.mkdir(parents=True)
        TrainingState(epoch=0, step=1).save(store.partial("b"))
    else:
        store.path("b").mkdir(parents=True)
    after = kept_in(folder, store.root, "b")
    assert after.beyond(before)
    assert not after.beyond(after)


def test_a_checkpoint_that_is_written_again_where_it_was_is_no_progress(tmp_path: Path) -> None:
    losses = Losses()
    for expected in (0, 1, 2):
        TrainingState(epoch=3).save(tmp_path / STATE)
        assert losses.count("t", kept_in(tmp_path, tmp_path / ".store", "b")) == expected


def test_what_was_there_before_the_first_worker_is_no_progress() -> None:
    losses = Losses()
    there = Kept(budgets=2, walk=(3, 0), baseline=(9, 0))
    losses.begin("t", there)
    assert losses.count("t", there) == 1
    losses.begin("t", Kept())
    assert losses.count("t", there) == 2


def test_a_damaged_checkpoint_is_none(tmp_path: Path) -> None:
    (tmp_path / STATE).write_bytes(b"half a file")
    assert kept_in(tmp_path, tmp_path / ".store", "b") == Kept()
