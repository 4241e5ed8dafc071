"""Trials that an earlier version described with more than matters, found under the keys that they have.

A plan describes a trial by what has an influence on its numbers (`TrialDescription.effective`). Earlier versions also wrote
down what has none: the training recipe of a network that comes with a checkpoint, say. Such a trial keeps its key and its
folder, and whatever is added beside it starts from the same baseline: the random numbers of fine-tuning hang on its key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from prune_core.base.errors import BadInput
from prune_core.base.trial_folder import COMPLETE, DESCRIPTION, read_outcome
from prune_core.trial.description import BaselineDescription, TrialDescription
from sweeps.folder.paths import trial_folder, trial_folders
from sweeps.plan.trials import PlannedTrial


class EarlierKeys:
    """What an output folder holds under keys of earlier versions; read when a planned trial is not there, and once.

    Args:
        out: the output folder; None where there is none.
    """

    def __init__(self, out: Path | None) -> None:
        self._out = out

    def of(self, trials: Iterable[PlannedTrial]) -> list[PlannedTrial]:
        """Return the trials, each with the description and the key under which the folder has it, if it has it."""
        return [self._known(trial) for trial in trials]

    def _known(self, trial: PlannedTrial) -> PlannedTrial:
        out = self._out
        if out is None or (trial_folder(out, trial.key) / DESCRIPTION).exists() or not self._baselines:
            return trial
        planned = trial.description
        known = self._baselines.get(trial.baseline_key, planned.baseline)
        # the places of files are the planned ones: the folder may have moved
        baseline = replace(known, data=planned.baseline.data, checkpoint=planned.baseline.checkpoint)
        found = self._trials.get((trial.key, baseline.key), planned)
        judged = replace(found.evaluation, folder=planned.evaluation.folder, called=planned.evaluation.called)
        description = replace(found, baseline=baseline, evaluation=judged)
        return replace(trial, key=description.key, description=description, baseline_key=baseline.key)

    @cached_property
    def _described(self) -> list[TrialDescription]:
        """The descriptions in the folder; none where all of them say what matters and nothing else."""
        found = []
        for folder in [] if self._out is None else sorted(trial_folders(self._out)):
            try:
                found.append(TrialDescription.read(folder))
            except (OSError, BadInput):  # of another version, or half a file
                continue
        return found if any(each.effective().key != each.key for each in found) else []

    @cached_property
    def _baselines(self) -> dict[str, BaselineDescription]:
        """By the key of what matters: the baseline from which most trials of the folder start."""
        counts: dict[str, Counter[str]] = {}
        known: dict[str, BaselineDescription] = {}
        for description in self._described:
            baseline = description.baseline
            known[baseline.key] = baseline
            counts.setdefault(baseline.effective().key, Counter())[baseline.key] += 1
        return {key: known[max(sorted(each), key=each.__getitem__)] for key, each in counts.items()}

    @cached_property
    def _trials(self) -> dict[tuple[str, str], TrialDescription]:
        """By the key of what matters and the key of the baseline: a trial that is complete, if one of them is."""
        found: dict[tuple[str, str], TrialDescription] = {}
        for description in sorted(self._described, key=self._is_complete):
            found[description.effective().key, description.baseline.key] = description
        return found

    def _is_complete(self, description: TrialDescription) -> bool:
        outcome = None if self._out is None else read_outcome(trial_folder(self._out, description.key))
        return outcome is not None and outcome.get("status") == COMPLETE
