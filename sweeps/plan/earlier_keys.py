"""Trials that an earlier version described with more than matters, found under the keys that they have.

A plan describes a trial by what has an influence on its numbers (`TrialDescription.effective`). Earlier versions also wrote
down what has none: the training recipe of a network that comes with a checkpoint, say. Such a trial keeps its key and its
folder, and whatever is added beside it starts from the same baseline: the random numbers of fine-tuning hang on its key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from prune_core.base.errors import BadInput
from prune_core.base.trial_folder import COMPLETE, DESCRIPTION, read_outcome
from prune_core.trial.description import BaselineDescription, TrialDescription
from sweeps.folder.paths import trial_folder, trial_folders
from sweeps.plan.trials import PlannedTrial


@dataclass(frozen=True)
class _Found:
    """What a folder holds under earlier keys.

    Attributes:
        baselines: by the key of what matters, the baseline from which most trials of the folder start.
        trials: by the key of what matters and the key of their baseline; one that is complete, if any is.
    """

    baselines: dict[str, BaselineDescription]
    trials: dict[tuple[str, str], TrialDescription]


class EarlierKeys:
    """What an output folder holds under keys of earlier versions; read when a planned trial is not there, and once.

    Args:
        out: the output folder; None where there is none.
    """

    def __init__(self, out: Path | None) -> None:
        self._out = out
        self._found: _Found | None = None

    def of(self, trials: Iterable[PlannedTrial]) -> list[PlannedTrial]:
        """Return the trials, each with the description and the key under which the folder has it, if it has it."""
        planned, out = list(trials), self._out
        if out is None:
            return planned
        there = {trial.key: trial for trial in planned if (trial_folder(out, trial.key) / DESCRIPTION).exists()}
        if len(there) == len({trial.key for trial in planned}):
            return planned
        if self._found is None:
            self._found = _found(out, there.values())
        found = self._found
        return [trial if trial.key in there else _as_there(trial, found) for trial in planned]


def _as_there(trial: PlannedTrial, there: _Found) -> PlannedTrial:
    if not there.baselines:
        return trial
    planned = trial.description
    known = there.baselines.get(trial.baseline_key, planned.baseline)
    # the places of files are the planned ones: the folder may have moved
    baseline = replace(known, data=planned.baseline.data, checkpoint=planned.baseline.checkpoint)
    found = there.trials.get((trial.key, baseline.key), planned)
    judged = replace(found.evaluation, folder=planned.evaluation.folder, called=planned.evaluation.called)
    description = replace(found, baseline=baseline, evaluation=judged)
    return replace(trial, key=description.key, description=description, baseline_key=baseline.key)


def _found(out: Path, planned: Collection[PlannedTrial]) -> _Found:
    """Read every description that is none of the planned ones; nothing is found where all of them say what matters."""
    others = _descriptions(out, {trial.key for trial in planned})
    if all(each.effective() == each for each in others):
        return _Found({}, {})
    counts: dict[str, Counter[str]] = {}
    known: dict[str, BaselineDescription] = {}
    trials: dict[tuple[str, str], TrialDescription] = {}
    for trial in planned:
        known[trial.baseline_key] = trial.description.baseline
        counts.setdefault(trial.baseline_key, Counter())[trial.baseline_key] += 1
    for description in others:
        baseline = description.baseline
        known[baseline.key] = baseline
        counts.setdefault(baseline.effective().key, Counter())[baseline.key] += 1
        place = description.effective().key, baseline.key
        if place not in trials or _is_complete(out, description):
            trials[place] = description
    return _Found({key: known[max(sorted(each), key=each.__getitem__)] for key, each in counts.items()}, trials)


def _descriptions(out: Path, without: Collection[str]) -> list[TrialDescription]:
    found = []
    for folder in trial_folders(out):
        if folder.name not in without:
            try:
                found.append(TrialDescription.read(folder))
            except (OSError, BadInput):  # of another version, or half a file
                continue
    return found


def _is_complete(out: Path, description: TrialDescription) -> bool:
    outcome = read_outcome(trial_folder(out, description.key))
    return outcome is not None and outcome.get("status") == COMPLETE
