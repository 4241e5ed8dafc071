"""What the kept logits say about the chosen candidates: reliability, damage by corruption and by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboards import labels
from dashboards.reading.study_folder import StudyFolder
from prune_core.base.errors import BadInput, Diverged
from prune_core.base.trial_folder import REPORT, SELECTION, budget_folder
from prune_core.evaluation.logits import LogitSet
from prune_core.evaluation.scoring import selective_by_severity
from prune_core.metrics.calibration import Reliability, reliability
from prune_core.metrics.predictions import Predictions
from prune_core.metrics.robustness import cell_accuracy
from prune_core.metrics.selective import Selective
from sweeps.folder.paths import trial_folder
from sweeps.storage.files import bring_back, place_of

Array = NDArray[np.float64]
_BySeverity = dict[int, Selective]
ACCEPTED_ERROR = 0.01
"""Share of errors among the accepted clean selection images at which each network's confidence threshold is set."""


@dataclass(frozen=True)
class Depth:
    """One candidate in depth, its seeds pooled, against its control.

    Attributes:
        name: the candidate's.
        raw, scaled: reliability on the report images, before and after temperature scaling.
        corruptions: names, as many as ``damage`` has rows; none where no corrupted image was judged.
        damage: ``(C, S)`` accuracy minus the control's, mean over seeds.
        classes: ``(K,)`` accuracy by class minus the control's, mean over seeds.
        selective, control_selective: severity (0 is clean) -> what happens where only confident predictions are accepted,
            mean over seeds; empty where no selection logits were kept.
    """

    name: str
    raw: Reliability
    scaled: Reliability
    corruptions: tuple[str, ...]
    damage: Array
    classes: Array
    selective: dict[int, Selective]
    control_selective: dict[int, Selective]


def depths(study: StudyFolder, rows: Sequence[Any]) -> list[Depth]:
    """Return the chosen candidates in depth, each once; those whose logits were not kept are left out."""
    found: dict[int, Depth] = {}
    bins = _bins(study)
    for row in rows:
        if row.Index not in found:
            depth = _depth(study, row, bins)
            if depth is not None:
                found[row.Index] = depth
    return list(found.values())


def _bins(study: StudyFolder) -> int:
    evaluation = study.plain.get("evaluation")
    bins = evaluation.get("ece_bins", 15) if isinstance(evaluation, dict) else 15
    return bins if isinstance(bins, int) and 0 < bins <= 1000 else 15


def _depth(study: StudyFolder, row: Any, bins: int) -> Depth | None:
    raw, scaled, damages, classes = [], [], [], []
    accepted: list[tuple[_BySeverity, _BySeverity]] = []
    corruptions: tuple[str, ...] = ()
    for record, control in pairs_with_control(study, row):
        logits = logits_of(study, str(record["key"]), row.budget)
        against = logits_of(study, control, row.budget) if control is not None else None
        if logits is None or against is None:
            return None
        try:
            predictions = logits.predictions()
            raw.append(predictions)
            scaled.append(predictions.scaled(_temperature(record)))
            classes.append(_by_class(predictions) - _by_class(against.predictions()))
            cells, theirs = logits.cell_predictions(), against.cell_predictions()
            accepted.append(
                (_selective(study, str(record["key"]), row.budget, logits), _selective(study, control, row.budget, against))
            )
        except Diverged:
            return None
        if cells is not None and theirs is not None and cells.corruptions == theirs.corruptions:
            corruptions = cells.corruptions
            damages.append(cell_accuracy(cells) - cell_accuracy(theirs))
    if not raw:
        return None
    damage = np.mean(damages, axis=0) if damages else np.zeros((0, 0))
    pooled = [reliability(_pooled(parts), bins=bins) for parts in (raw, scaled)]
    ours, the_control = (_mean_selective([pair[side] for pair in accepted]) for side in (0, 1))
    return Depth(
        labels.candidate(row), pooled[0], pooled[1], corruptions, damage, np.mean(classes, axis=0), ours, the_control
    )


def _selective(study: StudyFolder, key: str | None, budget: int, report: LogitSet) -> _BySeverity:
    selection = logits_of(study, str(key), budget, SELECTION)
    return (
        {} if selection is None else selective_by_severity(selection=selection, report=report, accepted_error=ACCEPTED_ERROR)
    )


def _mean_selective(found: list[_BySeverity]) -> _BySeverity:
    """Return the mean over seeds of what every seed has, field by field."""
    shared = set.intersection(*(set(one) for one in found)) if found else set()

    def mean(severity: int, name: str) -> float:
        return float(np.mean([getattr(one[severity], name) for one in found]))

    return {
        severity: Selective(
            mean(severity, "threshold"),
            mean(severity, "coverage"),
            mean(severity, "accepted_error"),
            mean(severity, "undetected_error"),
        )
        for severity in sorted(shared)
    }


def _temperature(record: dict[Any, Any]) -> float:
    value = float(record.get("temperature") or 1.0)
    return value if value > 0 else 1.0


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
        f"{', '.join(sorted(set(missing.values())))}, which could not be reached or does not hold what was sent. "
        "Build the report again when it is back."
    )


def _by_class(predictions: Predictions) -> Array:
    count = np.bincount(predictions.labels, minlength=predictions.logits.shape[1])
    right = np.bincount(predictions.labels, weights=predictions.correct, minlength=len(count))
    return np.asarray(np.divide(right, count, out=np.full(len(count), np.nan), where=count > 0))


def _pooled(parts: Sequence[Predictions]) -> Predictions:
    return Predictions(np.concatenate([part.logits for part in parts]), np.concatenate([part.labels for part in parts]))


def hurt_sentences(found: Sequence[Depth]) -> list[str]:
    """Return, for each candidate, which corruptions and which classes lost most against the control, in words."""
    result = []
    for depth in found:
        parts = []
        if len(depth.corruptions):
            parts.append(f"by corruption (mean over severities) {_worst(depth.corruptions, depth.damage.mean(axis=1))}")
        names = [f"class {number}" for number in range(len(depth.classes))]
        parts.append(f"by class {_worst(names, depth.classes)}")
        result.append(f"{depth.name}: accuracy against the control, worst first, {'; '.join(parts)}.")
    return result


def _worst(names: Sequence[str], changes: Array, shown: int = 3) -> str:
    order = [int(place) for place in np.argsort(np.nan_to_num(changes, nan=np.inf), kind="stable")[:shown]]
    return ", ".join(f"{names[at].replace('_', ' ')} {100 * changes[at]:+.1f}" for at in order) + " points"
