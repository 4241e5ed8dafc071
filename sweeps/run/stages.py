"""Where the time of a run went: the driver stage by stage, the workers place by place. Shown by ``run --profile``."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from prune_core.base.trial_folder import finished_budgets, read_record

FIRST = "Python starts, modules are read"
_READ = ("train_seconds", "evaluate_seconds")


@dataclass
class _Place:
    trials: int = 0
    at_work: float = 0.0
    training: float = 0.0
    judging: float = 0.0

    @property
    def rest(self) -> float:
        return max(0.0, self.at_work - self.training - self.judging)


@dataclass
class Stages:
    """Stages that follow each other; each begins where the one before it ends, so together they are the whole.

    Attributes:
        begun: when the process started, on the wall clock.
        wall: now, in seconds on the same clock.
        cpu: processor seconds of this process until now, all threads together.
    """

    begun: float = field(default_factory=lambda: psutil.Process().create_time())
    wall: Callable[[], float] = time.time
    cpu: Callable[[], float] = time.process_time
    stage: str = FIRST
    _since: tuple[float, float] = field(init=False)
    _took: dict[str, tuple[float, float]] = field(default_factory=dict, init=False)
    _places: dict[str, _Place] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """The first stage began with the process."""
        self._since = self.begun, 0.0

    def enter(self, stage: str) -> None:
        """Begin a stage; one of the same name goes on."""
        now = self.wall(), self.cpu()
        wall, cpu = self._took.get(self.stage, (0.0, 0.0))
        self._took[self.stage] = wall + now[0] - self._since[0], cpu + now[1] - self._since[1]
        self._since, self.stage = now, stage

    def trial(self, place: str, seconds: float, folder: Path) -> None:
        """Take note of a trial that ended.

        Args:
            place: the machine of its worker.
            seconds: from when the worker took it until its outcome was written.
            folder: the trial's; its records say what training and judging took.
        """
        found = self._places.setdefault(place, _Place())
        records = [record for budget in finished_budgets(folder) if (record := read_record(folder, budget)) is not None]
        training, judging = (sum(float(record.get(name) or 0.0) for record in records) for name in _READ)
        found.trials += 1
        found.at_work += seconds
        # a baseline that another trial made, or an earlier run, is in the record and not in this trial's time
        found.judging += min(judging, seconds)
        found.training += max(0.0, min(training, seconds - min(judging, seconds)))

    def lines(self) -> list[str]:
        """Return both tables, after the last stage has ended."""
        self.enter("")
        rows = [(stage, f"{wall:.1f}", f"{cpu:.1f}") for stage, (wall, cpu) in self._took.items() if wall >= 0.05]
        walls, cpus = (sum(took[at] for took in self._took.values()) for at in (0, 1))
        rows.append(("together", f"{walls:.1f}", f"{cpus:.1f}"))
        found = _table(("where the time went", "seconds", "processor seconds of the driver"), rows)
        if self._places:
            work = [
                (name, str(one.trials), f"{one.at_work:.1f}", f"{one.training:.1f}", f"{one.judging:.1f}", f"{one.rest:.1f}")
                for name, one in sorted(self._places.items())
            ]
            found += ["", *_table(("place", "trials", "seconds at work", "training", "judging", "the rest"), work)]
        return found


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    return [
        "  ".join(
            cell.ljust(width) if not at else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in [head, *rows]
    ]
