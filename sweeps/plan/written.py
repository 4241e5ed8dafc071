"""``planned.json`` of an output folder: the trials of a study with plugins, for who reads the folder without their code.

A trial's key holds the digests of the user's modules, so a plan can be made only where these are imported. The run writes
what it planned; the key of each entry is made of its description again, so an entry names no other folder than its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prune_core.base.errors import BadInput
from prune_core.base.files import read_json, write_atomically
from prune_core.base.kinds import KINDS
from prune_core.trial.description import TrialDescription
from sweeps.folder.paths import PLANNED
from sweeps.plan.data_facts import DataFacts, recorded_data
from sweeps.plan.plan import Plan
from sweeps.plan.trials import PlannedTrial
from sweeps.study.model import Study

_TEXTS = ("name", "arm", "network", "method")
_NUMBERS = ("budgets", "report_budgets")


def write_plan(study: Study, out: Path, trials: Iterable[PlannedTrial]) -> None:
    """Write down the trials that are known by now; nothing where the study has no plugins, and can be planned anywhere."""
    if not study.plugins:
        (out / PLANNED).unlink(missing_ok=True)
        return
    entries = ",\n".join(json.dumps(_plain(trial), sort_keys=True, allow_nan=False) for trial in trials)  # a line each
    write_atomically(
        out / PLANNED, lambda temporary: temporary.write_text(f'{{"trials": [\n{entries}\n]}}\n', encoding="utf-8")
    )


def written_plan(study: Study, out: Path) -> Plan:
    """Return the plan that the last run wrote down; it has no arms, since nothing can be planned from it.

    Raises:
        BadInput: there is none, it cannot be read, or it is none.
    """
    path = out / PLANNED
    try:
        found = read_json(path)
        trials = tuple(_trial(entry) for entry in found["trials"])
    except FileNotFoundError:
        raise BadInput(
            f"{out}: its trials cannot be told without its plugins ({', '.join(study.plugins)}), which are not imported to "
            f"read a folder, and there is no {PLANNED} (allowed: run the study again, which writes it)"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{path}: no plan that a run wrote ({' '.join(str(error).split())[:200]})") from None
    checksum = next((trial.description.baseline.data.checksum for trial in trials), None)
    return Plan(study=study, arms=(), trials=trials, checksum=checksum, data=_data(study, out))


def _data(study: Study, out: Path) -> DataFacts | None:
    try:
        return recorded_data(study, out)
    except BadInput:  # a plugin's dataset, of which the run noted nothing
        return None


def _plain(trial: PlannedTrial) -> dict[str, Any]:
    named = {name: getattr(trial, name) for name in (*_TEXTS, *_NUMBERS)}
    return {**named, "description": trial.description.to_plain()}


def _trial(entry: dict[str, Any]) -> PlannedTrial:
    description = TrialDescription.from_plain(entry["description"])
    texts: dict[str, Any] = {name: entry[name] for name in _TEXTS}
    numbers: dict[str, Any] = {name: tuple(entry[name]) for name in _NUMBERS}
    if not all(isinstance(text, str) for text in texts.values()):
        raise ValueError("a name is no text")
    if not all(type(number) is int and number >= 0 for each in numbers.values() for number in each):
        raise ValueError("a budget is no whole number")
    if description.kind not in KINDS or type(description.seed) is not int:
        raise ValueError(f"no trial of kind {str(description.kind)[:40]!r}")
    float(description.ratio)
    return PlannedTrial(
        key=description.key,
        kind=description.kind,
        ratio=description.ratio,
        seed=description.seed,
        description=description,
        baseline_key=description.baseline.key,
        **texts,
        **numbers,
    )
