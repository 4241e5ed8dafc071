"""Workers that were lost: a trial that gets further from loss to loss goes on, one that dies on the spot is given up."""

from __future__ import annotations

import sys
from dataclasses import astuple, dataclass, field
from pathlib import Path

from prune_core.base.store import Store
from prune_core.base.trial_folder import STATE, WALK, finished_budgets
from prune_core.training import TrainingState

LOST_WORKERS = 3
"""How often a trial is begun again at the same place after its worker died; an exception of the trial never comes here."""

_NOWHERE = (0, 0)
_DONE = (sys.maxsize, 0)


@dataclass(frozen=True)
class Kept:
    """What of a trial's work would outlive its worker.

    Attributes:
        budgets: how many have their record.
        walk: (epoch, step) of the checkpoint that is furthest on.
        second_walk: (epoch, step) of the checkpoint of a walk to a budget that was added below.
        baseline: (epoch, step) of the training of its baseline.
    """

    budgets: int = 0
    walk: tuple[int, int] = _NOWHERE
    second_walk: tuple[int, int] = _NOWHERE
    baseline: tuple[int, int] = _NOWHERE

    def beyond(self, other: Kept) -> bool:
        """Whether anything is further on than it was."""
        return any(mine > theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True))

    def furthest(self, other: Kept) -> Kept:
        """Return the furthest of each."""
        return Kept(*(max(pair) for pair in zip(astuple(self), astuple(other), strict=True)))


def kept_in(folder: Path, store: Path, baseline_key: str) -> Kept:
    """Return what a trial's folder and the store hold of its work.

    Args:
        folder: the trial's.
        store: of baselines.
        baseline_key: of its baseline.
    """
    shared = Store(store)
    baseline = _DONE if shared.path(baseline_key).exists() else _place(shared.partial(baseline_key))
    return Kept(len(finished_budgets(folder)), _place(folder / STATE), _place(folder / WALK), baseline)


def _place(checkpoint: Path) -> tuple[int, int]:
    """The place, not the file's time: a checkpoint is also written again where it was."""
    state = TrainingState.load(checkpoint)
    return _NOWHERE if state is None else state.place


@dataclass
class Losses:
    """Counts, for each trial, the losses since it last got further."""

    _count: dict[str, int] = field(default_factory=dict)
    _kept: dict[str, Kept] = field(default_factory=dict)

    def begin(self, key: str, kept: Kept) -> None:
        """Take note of what there is of a trial before a worker gets it; of the first time in this run only.

        Args:
            key: of the trial.
            kept: what there is of its work.
        """
        self._kept.setdefault(key, kept)

    def count(self, key: str, kept: Kept) -> int:
        """Take note of a loss; return how many there were at this place, 0 when the trial got further since the last one.

        Args:
            key: of the trial.
            kept: what there is of its work.
        """
        before = self._kept.get(key, Kept())
        self._count[key] = 0 if kept.beyond(before) else self._count.get(key, 0) + 1
        self._kept[key] = kept.furthest(before)
        return self._count[key]

    def forget(self) -> None:
        """Forget the counts: Ray's node was lost, and every worker with it, which says nothing about the trials."""
        self._count.clear()
