"""The logits that trials kept, of a candidate's seeds and of their controls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dashboards import labels
from dashboards.reading.study_folder import StudyFolder
from prune_core.base.errors import BadInput, Diverged
from prune_core.base.trial_folder import REPORT, SELECTION, budget_folder, made_anew
from prune_core.evaluation.logits import LogitSet
from sweeps.folder.paths import trial_folder
from sweeps.storage.files import bring_back, place_of


def pairs_with_control(study: StudyFolder, row: Any) -> list[tuple[dict[Any, Any], str | None]]:
    """Return, for each seed of a candidate, its record and the key of its control; None where there is none."""
    mine = study.records["key"].astype(str).isin(row.keys.split(";")) & study.records["budget"].eq(row.budget)
    controls = [study.controls[place] for place in np.flatnonzero(mine)]
    keys = [str(study.records["key"].iloc[at]) if at >= 0 else None for at in controls]
    return list(zip(study.records[mine].to_dict("records"), keys, strict=True))


def logits_of(study: StudyFolder, key: str, budget: int, which: str = REPORT) -> LogitSet | None:
    """Return the logits that a trial kept at a budget, from the object storage if they are there.

    None where they are not kept, cannot be read or cannot be brought back (`away_sentence` says which).
    """
    # Keys come from a file: one that is no plain folder name leads nowhere.
    if not key.isalnum():
        return None
    path = budget_folder(trial_folder(study.path, key), int(budget)) / which
    try:
        bring_back(path.parent, [which])
        return LogitSet.load(path) if path.is_file() else None
    except (BadInput, OSError):
        return None


def damaged_sentences(study: StudyFolder, rows: Sequence[Any]) -> list[str]:
    """Return which kept logits of candidates and their controls cannot be read, a sentence for each file, and the remedy."""
    found: dict[Path, list[str]] = {}
    for row in {row.Index: row for row in rows}.values():
        keys = [str(key) for record, control in pairs_with_control(study, row) for key in (record["key"], control)]
        for key in dict.fromkeys(keys):
            folder = budget_folder(trial_folder(study.path, key), int(row.budget))
            for which in (REPORT, SELECTION) if key.isalnum() else ():
                if _is_damaged(folder / which):
                    found.setdefault(folder / which, []).append(labels.candidate(row))
    return [
        f"{path.relative_to(study.path)} is damaged: what is computed from it is left out below, wholly or in part, for "
        f"{', '.join(dict.fromkeys(names))} ({made_anew(path.parent.relative_to(study.path))})"
        for path, names in found.items()
    ]


def _is_damaged(path: Path) -> bool:
    try:
        if path.is_file():
            LogitSet.load(path).predictions()
    except (BadInput, Diverged, OSError):
        return True
    return False


def away_sentence(study: StudyFolder, rows: Sequence[Any]) -> str:
    """Return which candidates lack logits that object storage has, or should have, after it was asked; empty if none."""
    missing: dict[str, str] = {}
    for row in {row.Index: row for row in rows}.values():
        for record, control in pairs_with_control(study, row):
            for key in (str(record["key"]), str(control)):
                folder = budget_folder(trial_folder(study.path, key), int(row.budget))
                place = place_of(folder, REPORT) if key.isalnum() and not (folder / REPORT).is_file() else None
                if place is not None:
                    missing[labels.candidate(row)] = place
    if not missing:
        return ""
    return (
        f"Left out below, wholly or in part: {', '.join(missing)}. Their logits, or those of their controls, are stored at "
        f"{', '.join(sorted(set(missing.values())))}, which could not be reached, does not hold what was sent, or was never "
        "confirmed here. Build the report again when it is back, or once you have confirmed it (PRUNEFRONT_TRUST_PLUGINS=1)."
    )
