"""``planned.json`` of an output folder: what the last run planned, for who reads the folder and plans nothing.

To plan a study, networks are built, which takes torch; and a trial's key holds the digests of the user's modules, so that a
study with plugins can be planned only where these are imported. So the run writes down what it planned, and from which
``study.yaml``: of another file, or by another version, it is not what there should be (`last_plan`). The key of a trial is
made of its description again, so that none names another folder than its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prune_core.base.build import version_of
from prune_core.base.description import GENERATOR_FORMAT
from prune_core.base.errors import BadInput
from prune_core.base.files import read_json, write_atomically
from prune_core.base.store import file_sha256
from sweeps.folder.paths import PLANNED, STUDY
from sweeps.plan.arms import Base
from sweeps.plan.data_facts import DataFacts, recorded_data
from sweeps.plan.earlier_keys import EarlierKeys
from sweeps.plan.plan import Plan
from sweeps.plan.trials import PlannedTrial
from sweeps.plan.written_parts import (
    arm_from_plain,
    arm_to_plain,
    descriptions_from_plain,
    descriptions_to_plain,
    trials_from_plain,
    trials_to_plain,
)
from sweeps.study.model import Study, study_as_written

_LINES = ("never", "finds")
"""What a plan holds of its own text: networks are pruned for the one, SciPy is imported for the other."""


def write_plan(plan: Plan, out: Path, trials: Iterable[PlannedTrial]) -> None:
    """Write down a plan, and the study file of the folder that it is of.

    Args:
        plan: of the study, as ``study.yaml`` of the folder says it.
        out: the output folder.
        trials: every trial that is known by now; of a study without plugins the plan's own are written, since what a search
            asked for can be told without it.
    """
    known = list(trials) if plan.study.plugins else list(plan.trials)
    whole: dict[str, Any] = {"study_file": _digest(out), "version": version_of("prunefront")}
    if all(trial.description.effective() == trial.description for trial in known):  # else it hangs on what else is there
        data = None if plan.data is None else plan.data.to_plain()
        whole |= {"study": plan.study.to_plain(), "data": data, "arms": [arm_to_plain(arm) for arm in plan.arms]}
        whole["descriptions"] = descriptions_to_plain(plan.study, plan.arms)
        for name in _LINES:
            lines = getattr(plan, name)
            whole[name] = None if lines is None else list(lines)
    whole["names"] = {trial.key: trial.name for trial in known}  # for who looks at one trial, and plans nothing
    whole |= trials_to_plain(known)
    lines = [f"{json.dumps(name)}: {_text(value)}" for name, value in whole.items()]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    write_atomically(out / PLANNED, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def written_plan(study: Study, out: Path) -> Plan:
    """Return the trials that the last run of a study with plugins wrote down; nothing can be planned from that.

    Raises:
        BadInput: there is none, it cannot be read, or it is none.
    """
    path = out / PLANNED
    try:
        trials = trials_from_plain(read_json(path))
    except FileNotFoundError:
        raise BadInput(
            f"{out}: its trials cannot be told without its plugins ({', '.join(study.plugins)}), which are not imported to "
            f"read a folder, and there is no {PLANNED} (allowed: run the study again, which writes it)"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise BadInput(f"{path}: no plan that a run wrote ({' '.join(str(error).split())[:200]})") from None
    return Plan(study, (), trials, _checksum(trials), _data(study, out))


def last_plan(out: Path) -> Plan | None:
    """Return what the last run planned; None where that is not known, or need not be what there should be by now.

    That is so where the study file is another one since, where another version of this package wrote it, where a checkpoint
    of the user's is not what it was, and always for a study with plugins, of which `written_plan` knows less.

    Args:
        out: the output folder, looked through for links that lead out of it.
    """
    try:
        found = read_json(out / PLANNED)
        if found["study_file"] != _digest(out) or found["version"] != version_of("prunefront"):
            return None
        study = study_as_written(found["study"], PLANNED)
        data = None if found["data"] is None else DataFacts.from_plain(found["data"])
        trials = trials_from_plain(found)
        lines = {name: None if found[name] is None else tuple(map(str, found[name])) for name in _LINES}
        parts = descriptions_from_plain(found["descriptions"])
        bases: dict[str, Base] = {}
        arms = tuple(arm_from_plain(arm, study, bases) for arm in found["arms"])
        if study.plugins or not arms or not _holds(trials):
            return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):  # BadInput is a ValueError
        return None
    return Plan(study, arms, trials, _checksum(trials), data, EarlierKeys(out), parts, **lines)


def _checksum(trials: Iterable[PlannedTrial]) -> str | None:
    return next((trial.description.baseline.data.checksum for trial in trials), None)


def _data(study: Study, out: Path) -> DataFacts | None:
    try:
        return recorded_data(study, out)
    except BadInput:  # a plugin's dataset, of which the run noted nothing
        return None


def _holds(trials: Iterable[PlannedTrial]) -> bool:
    """Return whether descriptions name what there is: the generator of this version, the user's checkpoints as they were."""
    described = [trial.description for trial in trials]
    checkpoints = {each.path: each.sha256 for each in (one.baseline.checkpoint for one in described) if each is not None}
    current = all(one.evaluation.generator in (None, GENERATOR_FORMAT) for one in described)
    return current and all(file_sha256(Path(path)) == digest for path, digest in checkpoints.items())


def _text(value: Any) -> str:
    """Return JSON, of a list a line for each entry."""
    if not isinstance(value, list):
        return json.dumps(value, allow_nan=False)
    return "[\n" + ",\n".join(json.dumps(each, sort_keys=True, allow_nan=False) for each in value) + "\n]"


def _digest(out: Path) -> str:
    return hashlib.sha256((out / STUDY).read_bytes()).hexdigest()
