"""The trials of a sweep as their folders tell them: what each did, when, and what those wait for that have not begun."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from prune_core.base.errors import BadInput
from prune_core.base.trial_folder import DESCRIPTION, OUTCOME, TRACEBACK, finished_budgets, read_outcome, read_progress
from prune_core.training.curve import read_curve
from sweeps.folder.paths import HUNG, trial_folders
from sweeps.plan.plan import Plan
from sweeps.plan.state import baseline_failure, baseline_ready
from sweeps.plan.trials import PlannedTrial
from sweeps.run.status import SILENT_SECONDS
from sweeps.search.whole_plan import whole_plan

LOGS = (TRACEBACK, HUNG)
"""What a failed trial leaves for who wants to know more, in a file of its folder."""
_MADE_FIRST = ("baseline", "dense")


@dataclass(frozen=True)
class LiveTrial:
    """One trial whose folder is there.

    Attributes:
        key: names its folder.
        name: what people call it; the key where the plan does not know it.
        folder: where it writes.
        outcome: how it ended; None while it has not.
        progress: its last sign of life; None before there is one.
        begun: when it began, in seconds since the epoch; None before it did.
        ended: when it ended; None while it has not.
    """

    key: str
    name: str
    folder: Path
    outcome: Mapping[str, Any] | None
    progress: Mapping[str, Any] | None
    begun: float | None
    ended: float | None

    @property
    def running(self) -> bool:
        """Whether it gave a sign of life of late and has not ended."""
        if self.outcome is not None or self.progress is None:
            return False
        return time.time() - float(self.progress.get("heartbeat", 0)) < SILENT_SECONDS

    @property
    def state(self) -> str:
        """``running``, its final status, or ``waiting``."""
        return "running" if self.running else str(self.outcome["status"]) if self.outcome is not None else "waiting"

    @property
    def log(self) -> str:
        """The name of its log; empty where it left none."""
        return next((name for name in LOGS if (self.folder / name).is_file()), "")

    def doing(self) -> dict[str, Any]:
        """Return what it does now, as plain data: with its place, its epoch, and its curve so far."""
        said = self.progress or {}
        curve = [[row["epoch"], row["loss"], row["accuracy"]] for row in read_curve(self.folder)]
        return {
            "name": self.name,
            "place": f"{said.get('host', '')}, process {said.get('process', '')}" if said.get("host") else "",
            "phase": str(said.get("phase", "")),
            "epoch": said.get("epoch"),
            "of": said.get("of"),
            "seconds": None if self.begun is None else round(time.time() - self.begun),
            "curve": curve[-200:],
        }

    def row(self) -> dict[str, Any]:
        """Return it as a line of the table of trials."""
        took = None if self.begun is None or self.ended is None else round(self.ended - self.begun, 1)
        return {
            "key": self.key,
            "name": self.name,
            "state": self.state,
            "seconds": took,
            "budgets": finished_budgets(self.folder),
            "cause": "" if self.outcome is None else str(self.outcome.get("cause") or ""),
            "log": self.log,
        }


@dataclass(frozen=True)
class LiveTrials:
    """The trials of a folder.

    Attributes:
        out: the output folder.
        trials: those whose folder is there, by key.
        plan: what there should be; None where it cannot be made here, or where its keys are not those of the folder.
        known: how many trials there should be; None where nobody knows.
    """

    out: Path
    trials: list[LiveTrial]
    plan: Plan | None
    known: int | None

    @property
    def running(self) -> list[LiveTrial]:
        """Those that run, as long as they have."""
        return sorted((one for one in self.trials if one.running), key=lambda one: one.begun or 0.0)

    @property
    def ended(self) -> list[LiveTrial]:
        """Those that have an outcome."""
        return [one for one in self.trials if one.outcome is not None]

    @property
    def waiting(self) -> list[PlannedTrial]:
        """Planned trials that have neither ended nor run."""
        there = {one.key for one in self.trials if one.state != "waiting"}
        return [] if self.plan is None else [trial for trial in self.plan.trials if trial.key not in there]

    def reasons(self) -> list[str]:
        """Return why trials wait, most of them first."""
        made = {
            trial.baseline_key: trial.name for trial in (self.plan.trials if self.plan else []) if trial.kind == "baseline"
        }
        asked: dict[str, str] = {}
        found: Counter[str] = Counter()
        for trial in self.waiting:
            base = trial.baseline_key
            if trial.kind in _MADE_FIRST or base not in made:
                found["for a place"] += 1
                continue
            if base not in asked:
                asked[base] = self._reason(base, made[base])
            found[asked[base]] += 1
        return [f"{count} {'wait' if count > 1 else 'waits'} {reason}" for reason, count in found.most_common()]

    def _reason(self, base: str, name: str) -> str:
        if baseline_ready(base, self.out):
            return "for a place"
        cause = baseline_failure(self.plan.trials if self.plan else [], base, self.out)
        return f"for the baseline {name}" + (f", which failed: {cause}" if cause else "")

    def rows(self) -> list[dict[str, Any]]:
        """Return every trial as a line of a table: those that are there, then those that wait."""
        there = [one.row() for one in self.trials]
        waiting: dict[str, Any] = {"state": "waiting", "seconds": None, "budgets": [], "cause": "", "log": ""}
        seen = {one.key for one in self.trials}
        return [*there, *({"key": one.key, "name": one.name, **waiting} for one in self.waiting if one.key not in seen)]


def live_trials(out: Path) -> LiveTrials:
    """Read the trials of a folder."""
    folders = {path.name: path for path in trial_folders(out)}
    plan, known = _plan(out, folders)
    names = {trial.key: trial.name for trial in plan.trials} if plan is not None else {}
    return LiveTrials(out, [_read(key, names.get(key, key), path) for key, path in folders.items()], plan, known)


def _read(key: str, name: str, folder: Path) -> LiveTrial:
    outcome = read_outcome(folder)
    begun, ended = _written(folder / DESCRIPTION), _written(folder / OUTCOME) if outcome is not None else None
    if ended is not None and (last := _last_sign(folder, ended)) is not None and abs(ended - last) > SILENT_SECONDS:
        begun, ended = None, last  # a copy: its files are as old as the copy, and what a trial says of itself is older
    return LiveTrial(
        key=key,
        name=name,
        folder=folder,
        outcome=outcome,
        progress=None if outcome is not None else read_progress(folder),
        begun=begun,
        ended=ended,
    )


@lru_cache(maxsize=100_000)
def _last_sign(folder: Path, ended: float) -> float | None:
    """Return when a trial gave its last sign of life, None where it left none; read once for each moment of its end."""
    beat = (read_progress(folder) or {}).get("heartbeat")
    return float(beat) if isinstance(beat, int | float) else None


def _written(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def _plan(out: Path, folders: Iterable[str]) -> tuple[Plan | None, int | None]:
    there = set(folders)
    try:
        plan = whole_plan(out)
    except BadInput:
        return None, None
    keys = {trial.key for trial in plan.trials}
    # Where no key fits (the data is not at hand here), how many trials there should be still holds; their names do not.
    return (plan, len(keys)) if not there or keys & there else (None, max(len(keys), len(there)))
