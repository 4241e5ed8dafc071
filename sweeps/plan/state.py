"""What is there of a plan: read from the trials' folders, which are the truth."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from prune_core.base.errors import BadInput
from prune_core.base.files import write_json
from prune_core.base.store import Store, has_all_sizes
from prune_core.base.trial_folder import COMPLETE, DESCRIPTION, FAILED, OUTCOME, finished_budgets, read_outcome
from sweeps.folder.paths import store_folder, trial_folder

if TYPE_CHECKING:
    from sweeps.plan.trials import PlannedTrial

State = Literal["complete", "stopped", "failed", "diverged", "begun", "missing"]


def trial_state(trial: PlannedTrial, out: Path) -> State:
    """Return what the folder of a trial says: a final status, ``begun`` (something is there) or ``missing``.

    A complete trial of which a budget is asked that it has not, or corruptions at one, is ``begun``: it goes on from there.
    """
    folder = trial_folder(out, trial.key)
    outcome = read_outcome(folder)
    if outcome is None:
        return "begun" if (folder / DESCRIPTION).exists() else "missing"
    status = outcome.get("status")
    if status == COMPLETE and not set(trial.budgets) <= set(finished_budgets(folder, cells_at=trial.report_budgets)):
        return "begun"
    final: tuple[State, ...] = ("complete", "stopped", "failed", "diverged")
    return next((state for state in final if state == status), "begun")


def final_status(trial: PlannedTrial, out: Path) -> str | None:
    """Return a trial's final status, or None when it is to be run (again)."""
    state = trial_state(trial, out)
    return None if state in ("begun", "missing") else state


def baseline_ready(key: str, out: Path) -> bool:
    """Return whether the store has a baseline (which a trial checks byte by byte before it uses it)."""
    return has_all_sizes(Store(store_folder(out)).path(key))


def baseline_failure(trials: Iterable[PlannedTrial], key: str, out: Path) -> str | None:
    """Return why a baseline cannot be had, or None."""
    for trial in trials:
        if trial.kind == "baseline" and trial.baseline_key == key:
            outcome = read_outcome(trial_folder(out, trial.key))
            if outcome is not None and outcome.get("status") != COMPLETE:
                return f"{outcome.get('status')}: {outcome.get('cause')}"
    return None


def block(trial: PlannedTrial, out: Path, cause: str) -> None:
    """Write down that a trial can never run, and why."""
    folder = trial_folder(out, trial.key)
    write_json(folder / DESCRIPTION, trial.description.to_plain())
    write_json(folder / OUTCOME, {"status": FAILED, "cause": cause, "budgets": finished_budgets(folder), "key": trial.key})


def forget_failures(trials: Iterable[PlannedTrial], out: Path) -> int:
    """Remove the folders of trials that failed or diverged, so that they run again; return how many.

    Raises:
        BadInput: a trial's folder is a link: what it leads to is not emptied.
    """
    bad = [trial for trial in trials if trial_state(trial, out) in ("failed", "diverged")]
    for trial in bad:
        if trial_folder(out, trial.key).is_symlink():
            raise BadInput(
                f"{trial_folder(out, trial.key)}: is a link, which is not emptied to run the trial again; remove it"
            )
    for trial in bad:
        shutil.rmtree(trial_folder(out, trial.key))
    return len(bad)
