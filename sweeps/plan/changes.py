"""Why trials of a plan are new although the folder has trials like them: code, images or files that changed meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from prune_core.base.description import canonical_json
from prune_core.base.errors import BadInput
from prune_core.base.trial_folder import DESCRIPTION
from prune_core.trial.code import differing_modules, parts_with_code
from prune_core.trial.description import TrialDescription
from sweeps.folder.paths import trials_folder
from sweeps.plan.state import trial_state

if TYPE_CHECKING:
    from sweeps.plan.plan import Plan

CHANGED = "changed"

Old = tuple[TrialDescription, float]
"""A description in the folder, and when it was written (seconds since the epoch)."""


def why_new(plan: Plan, out: Path) -> list[str]:
    """Return, a line each, why trials that were never begun here are new: what differs from trials in the folder."""
    new = [trial.description for trial in plan.trials if trial_state(trial, out) == "missing"]
    if not new:
        return []
    planned = {trial.key for trial in plan.trials}
    known: dict[str, list[Old]] = {}
    for description, written in _descriptions(out, planned):
        known.setdefault(_common(description), []).append((description, written))
    counts: dict[str, tuple[int, float]] = {}
    for description in new:
        found = [(_differences(old, description), written) for old, written in known.get(_common(description), [])]
        if not found:
            continue
        reasons, written = min(found, key=lambda each: (len(each[0]), -each[1]))
        said = "; ".join(reasons)
        count, latest = counts.get(said, (0, written))
        counts[said] = count + 1, max(latest, written)
    return [_line(count, said, written) for said, (count, written) in counts.items() if said]


def _line(count: int, said: str, written: float) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(written))
    return f"{count} {'trial is' if count == 1 else 'trials are'} new: {said} since {when}"


def _descriptions(out: Path, planned: set[str]) -> Iterator[Old]:
    for path in sorted(trials_folder(out).glob(f"*/{DESCRIPTION}")):
        if path.parent.name in planned:
            continue
        try:
            yield TrialDescription.read(path.parent), path.stat().st_mtime
        except (OSError, BadInput):  # of another version, or half a file
            continue


def _common(description: TrialDescription) -> str:
    """What two descriptions share that differ only in what may change between two runs of one study file."""
    baseline, method = description.baseline, description.method
    same = replace(
        description,
        baseline=replace(
            baseline,
            data=replace(baseline.data, code={}, checksum=""),
            network=replace(baseline.network, code={}),
            checkpoint=None if baseline.checkpoint is None else replace(baseline.checkpoint, sha256=None),
        ),
        method=None if method is None else replace(method, code={}),
        evaluation=replace(description.evaluation, code={}, generator=None, folder=None, files=None),
    )
    return canonical_json(same.keyed())


def _differences(old: TrialDescription, new: TrialDescription) -> list[str]:
    said = []
    for (called, before), (_, now) in zip(parts_with_code(old), parts_with_code(new), strict=True):
        modules = differing_modules(before, now)
        if modules:
            said.append(f"the code of {', '.join(modules)} ({called}) {CHANGED if before else 'came into the key'}")
    if old.baseline.data.checksum != new.baseline.data.checksum:
        said.append(f"the images of {new.baseline.data.name} {CHANGED}")
    if _weights(old) != _weights(new):
        said.append(f"the checkpoint of network {new.baseline.network.name} {CHANGED}")
    if old.evaluation.generator != new.evaluation.generator:
        said.append(f"the generator of corrupted images {CHANGED}")
    if old.evaluation.files != new.evaluation.files:
        how = CHANGED if old.evaluation.files else "came into the key"
        said.append(f"the official corruption files {how}")
    return said


def _weights(description: TrialDescription) -> str | None:
    given = description.baseline.checkpoint
    return None if given is None else given.sha256
