"""One trial, as a list of verbs: baseline, prune, verify, fine-tune, evaluate at each budget on the way.

The trial's folder is the truth: a budget whose record is there is not computed again, a longer budget goes on from the
longest checkpoint, a new one below it is walked again from 0 (and changes nothing that is there).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from prune_core.base.addresses import masked
from prune_core.base.errors import BadInput, Diverged
from prune_core.base.files import write_atomically, write_json
from prune_core.base.kinds import KINDS, NEVER_FINE_TUNED
from prune_core.base.store import Store
from prune_core.base.trial_folder import (
    COMPLETE,
    DESCRIPTION,
    DIVERGED,
    FAILED,
    INTERRUPTED,
    OUTCOME,
    STATE,
    TRACEBACK,
    WALK,
    finished_budgets,
    read_outcome,
    read_record,
)
from prune_core.training import Interrupted, prepare_runtime
from prune_core.trial.baseline import load_baseline, make_baseline, write_baseline_curve
from prune_core.trial.code import changed_code
from prune_core.trial.context import Trial
from prune_core.trial.data import load_trial_data
from prune_core.trial.description import TrialDescription
from prune_core.trial.judge import judge, judge_baseline, judged_before
from prune_core.trial.memory import TooLittleMemory, once_more
from prune_core.trial.order import TrialOrder
from prune_core.trial.scratch import train_from_scratch
from prune_core.trial.trouble import machine_trouble, one_line
from prune_core.trial.walk import VerificationFailed, Walker
from prune_core.trial.watch import Watch

OnBudget = Callable[[int, dict[str, Any]], None]


def run_trial(
    description: TrialDescription,
    order: TrialOrder,
    *,
    on_budget: OnBudget | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Do what is missing of one trial.

    Args:
        description: what is done, and with what; its hash is the trial's key.
        order: where, at which budgets, and how.
        on_budget: called with the budget and its record, also for budgets that were there, in rising order.
        should_stop: asked at every step and every batch.

    Returns:
        The outcome: ``{"status", "cause", "budgets", "key"}``. ``complete``, ``failed`` and ``diverged`` are also in
        ``outcome.json``; ``interrupted`` is not: the trial goes on next time.

    Raises:
        MachineTrouble: the disk is full or not writable; nothing is recorded about the trial.
        TooLittleMemory: its share of a GPU's memory was too small; nothing is recorded about the trial. Where it has the
            whole GPU it fails.
    """
    folder, key = order.folder, description.key
    wanted = sorted(set(order.budgets))
    before = read_outcome(folder)
    if before is not None and before["status"] != COMPLETE and not order.retry:
        return before
    done = finished_budgets(folder, cells_at=order.report_budgets or ())
    if before is not None and before["status"] == COMPLETE and set(wanted) <= set(done):
        return _report_finished(folder, wanted, before, on_budget)
    try:
        watch = Watch(folder, should_stop)
        if before is not None and before["status"] != COMPLETE:
            (folder / OUTCOME).unlink(missing_ok=True)
        device = _prepare(description, order)
        data = load_trial_data(description.baseline, order.cache)
        trial = Trial(description, order, Store(order.store), data, device, watch)
        once_more(partial(_walk, trial, wanted), on_budget)
    except Interrupted as stop:
        return _outcome(folder, key, INTERRUPTED, str(stop))
    except (Diverged, VerificationFailed) as end:
        return _closed(folder, key, DIVERGED if isinstance(end, Diverged) else FAILED, str(end))
    except Exception as error:
        trouble = machine_trouble(error)
        if trouble is not None:
            raise trouble from error
        if isinstance(error, torch.OutOfMemoryError) and order.memory_fraction is not None:
            raise TooLittleMemory(one_line(error)) from None
        write_atomically(folder / TRACEBACK, lambda path: path.write_text(masked(traceback.format_exc()), encoding="utf-8"))
        return _closed(folder, key, FAILED, one_line(error))
    return _closed(folder, key, COMPLETE, None)


def _prepare(description: TrialDescription, order: TrialOrder) -> torch.device:
    if description.kind not in KINDS:
        raise BadInput(f"trial: kind is {description.kind!r}, allowed: {', '.join(KINDS)}")
    changed = changed_code(description)
    if changed is not None:
        raise BadInput(f"trial: {changed}")
    baseline = description.baseline
    return prepare_runtime(device=baseline.device, threads=baseline.threads, memory_fraction=order.memory_fraction)


def _walk(trial: Trial, budgets: Sequence[int], on_budget: OnBudget | None) -> None:
    write_json(trial.folder / DESCRIPTION, trial.description.to_plain())
    entry = make_baseline(trial)
    write_baseline_curve(trial, entry)
    dense, dense_seconds = load_baseline(entry)
    walks = _Walks(trial, dense)
    try:
        for budget in budgets:
            record = judged_before(trial, budget)
            if record is None and budget == 0 and not trial.prunes:
                record = judge_baseline(trial, entry, dense_seconds if trial.only_judges else 0.0)
            if record is None and budget == 0 and trial.from_scratch:
                record = judge(trial, *_scratch(trial, dense))
            if record is None:
                walker = walks.towards(budget)
                walker.go_to(budget)
                record = judge(trial, walker.network, budget, walker.state.seconds, walker.training_path)
            if on_budget is not None:
                on_budget(budget, record)
    finally:
        walks.close()
    (trial.folder / WALK).unlink(missing_ok=True)
    if trial.from_scratch:
        (trial.folder / STATE).unlink(missing_ok=True)  # nothing can go on from there


def _scratch(trial: Trial, dense: nn.Module) -> tuple[nn.Module, int, float, str | None]:
    network, seconds, path = train_from_scratch(trial, dense)
    return network, 0, seconds, path


def _report_finished(
    folder: Path, budgets: Sequence[int], outcome: dict[str, Any], on_budget: OnBudget | None
) -> dict[str, Any]:
    """Nothing is missing: say what is there, without loading any data."""
    for budget in budgets:
        record = read_record(folder, budget)
        if on_budget is not None and record is not None:
            on_budget(budget, record)
    return outcome


class _Walks:
    """The walk that is furthest on, and the second one from 0 for budgets that lie behind it."""

    def __init__(self, trial: Trial, dense: nn.Module) -> None:
        self.trial, self.dense = trial, dense
        self.open: dict[str, Walker] = {}

    def close(self) -> None:
        """Give up what the walks keep on the device: the next trial of this worker finds it as this one did."""
        for walker in self.open.values():
            walker.close()

    def towards(self, budget: int) -> Walker:
        """Return the walker that can still reach a budget.

        Raises:
            BadInput: the trial is only judged, not fine-tuned.
        """
        if self.trial.description.kind in NEVER_FINE_TUNED:
            raise BadInput(f"a trial of kind {self.trial.description.kind!r} has budget 0 only, not {budget}")
        if not self._walker(STATE).state.place > (budget, 0):
            return self._walker(STATE)
        if self._walker(WALK).state.place > (budget, 0):
            (self.trial.folder / WALK).unlink()
            self.open.pop(WALK).close()
        return self._walker(WALK)

    def _walker(self, name: str) -> Walker:
        if name not in self.open:
            self.open[name] = Walker(self.trial, self.dense, self.trial.folder / name)
        return self.open[name]


def _outcome(folder: Path, key: str, status: str, cause: str | None) -> dict[str, Any]:
    return {"status": status, "cause": cause, "budgets": finished_budgets(folder), "key": key}


def _closed(folder: Path, key: str, status: str, cause: str | None) -> dict[str, Any]:
    outcome = _outcome(folder, key, status, cause)
    write_json(folder / OUTCOME, outcome)
    return outcome
