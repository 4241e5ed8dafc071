"""What the kept logits say about the chosen candidates: reliability, damage by corruption and by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboards import labels
from dashboards.analysis.claims import Paired, interval_words, paired, paired_family
from dashboards.analysis.kept_logits import logits_of, pairs_with_control
from dashboards.reading.study_folder import StudyFolder
from prune_core.base.errors import Diverged
from prune_core.base.trial_folder import SELECTION
from prune_core.evaluation.logits import LogitSet
from prune_core.evaluation.scoring import Source, fitted_on, scaled_as_recorded, selective_by_severity
from prune_core.metrics.calibration import Reliability, pooled_reliability, reliability
from prune_core.metrics.predictions import Predictions
from prune_core.metrics.robustness import cell_accuracy
from prune_core.metrics.selective import Selective

Array = NDArray[np.float64]
_BySeverity = dict[int, Selective]
AS_TRAINED, AFTER_SCALING = "as trained", "after temperature scaling"
"""What the two states of a network are called, in figures and tables."""
ACCEPTED_ERROR = 0.01
"""Share of errors among the accepted clean selection images at which each network's confidence threshold is set."""


@dataclass(frozen=True)
class SeedReliability:
    """Reliability of one seed on the report images: the ECE of its bins are ``ece`` and ``ece_t`` of its record.

    Attributes:
        seed: of the trial.
        raw: as trained.
        scaled: after temperature scaling; None where the record has no temperature (one of an older version).
    """

    seed: int
    raw: Reliability
    scaled: Reliability | None


@dataclass(frozen=True)
class Depth:
    """One candidate in depth, its seeds pooled, against its control.

    Attributes:
        name: the candidate's.
        seeds: reliability on the report images, seed by seed.
        fitted_on: what the temperatures were fitted on.
        corruptions: names, as many as ``damage`` has rows; none where no corrupted image was judged.
        damage: ``(C, S)`` accuracy minus the control's, mean over seeds.
        classes: ``(K,)`` accuracy by class minus the control's, mean over seeds.
        by_seed: the same seed by seed, ``(S, C)`` over all severities, and ``(S, K)``.
        damage_by_seed: ``damage`` seed by seed, as many matrices as there are seeds.
        class_names: what the K classes are called.
        class_images: how many report images the smallest class has.
        selective, control_selective: severity (0 is clean) -> what happens where only confident predictions are accepted,
            mean over seeds; empty where no selection logits were kept.
    """

    name: str
    seeds: tuple[SeedReliability, ...]
    fitted_on: Source
    corruptions: tuple[str, ...]
    damage: Array
    classes: Array
    selective: dict[int, Selective]
    control_selective: dict[int, Selective]
    by_seed: tuple[Array, Array] = (np.zeros((0, 0)), np.zeros((0, 0)))
    damage_by_seed: tuple[Array, ...] = ()
    class_names: tuple[str, ...] = ()
    class_images: int = 0

    @property
    def damage_cells(self) -> tuple[Paired | None, ...]:
        """The cells of ``damage`` row by row, each with its interval over the seeds; its error borrows from the others'."""
        cells = np.array(self.damage_by_seed).reshape(len(self.seeds), -1) if self.damage_by_seed else np.zeros((1, 0))
        return tuple(paired_family(cells.T)) if cells.size else ()

    @property
    def raw(self) -> Reliability:
        """Reliability as trained, the seeds' images pooled."""
        return pooled_reliability([one.raw for one in self.seeds])

    @property
    def scaled(self) -> Reliability | None:
        """Reliability after temperature scaling, the seeds' images pooled; None unless every seed has it."""
        each = [one.scaled for one in self.seeds if one.scaled is not None]
        return pooled_reliability(each) if len(each) == len(self.seeds) else None


def depths(study: StudyFolder, rows: Sequence[Any]) -> list[Depth]:
    """Return the chosen candidates in depth, each once; those whose logits were not kept are left out."""
    found: dict[int, Depth] = {}
    bins = study.ece_bins
    for row in rows:
        if row.Index not in found:
            depth = _depth(study, row, bins)
            if depth is not None:
                found[row.Index] = depth
    return list(found.values())


def _depth(study: StudyFolder, row: Any, bins: int) -> Depth | None:
    seeds: list[_Seed] = []
    for record, control in pairs_with_control(study, row):
        seed = _seed(study, record, control, row.budget, bins) if control is not None else None
        if seed is None:
            return None
        seeds.append(seed)
    if not seeds:
        return None
    # The mean over seeds stands beside the column's mean over all of them: it needs the same cells of every one.
    same = len({seed.corruptions for seed in seeds}) == 1
    return Depth(
        name=labels.candidate(row),
        seeds=tuple(seed.reliability for seed in seeds),
        fitted_on=seeds[0].fitted_on,
        corruptions=seeds[0].corruptions if same else (),
        damage=np.asarray(np.mean([seed.damage for seed in seeds], axis=0)) if same else np.zeros((0, 0)),
        classes=np.asarray(np.mean([seed.classes for seed in seeds], axis=0)),
        selective=_mean_selective([seed.selective for seed in seeds]),
        control_selective=_mean_selective([seed.control_selective for seed in seeds]),
        by_seed=(
            np.array([seed.damage.mean(axis=1) for seed in seeds]) if same and seeds[0].corruptions else np.zeros((0, 0)),
            np.array([seed.classes for seed in seeds]),
        ),
        damage_by_seed=tuple(seed.damage for seed in seeds) if same else (),
        class_names=study.class_names,
        class_images=min(seed.class_images for seed in seeds),
    )


@dataclass(frozen=True)
class _Seed:
    """One seed of a candidate against its control: as in `Depth`."""

    reliability: SeedReliability
    fitted_on: Source
    corruptions: tuple[str, ...]
    damage: Array
    classes: Array
    selective: _BySeverity
    control_selective: _BySeverity
    class_images: int


def _seed(study: StudyFolder, record: dict[Any, Any], control_key: str, budget: int, bins: int) -> _Seed | None:
    """Return one seed in depth; None where its logits or its control's are not at hand."""
    key = str(record["key"])
    logits, control = logits_of(study, key, budget), logits_of(study, control_key, budget)
    if logits is None or control is None:
        return None
    try:
        corruptions, damage = _damage(logits, control)
        return _Seed(
            _seed_reliability(record, logits, bins),
            fitted_on(record),
            corruptions,
            damage,
            _by_class(logits.predictions()) - _by_class(control.predictions()),
            _selective(study, key, budget, logits),
            _selective(study, control_key, budget, control),
            int(np.bincount(logits.labels).min()),
        )
    except Diverged:
        return None


def _seed_reliability(record: dict[Any, Any], logits: LogitSet, bins: int) -> SeedReliability:
    scaling = scaled_as_recorded(logits, record)
    scaled = reliability(scaling.report, bins=bins) if scaling is not None and scaling.report is not None else None
    return SeedReliability(int(record["seed"]), reliability(logits.predictions(), bins=bins), scaled)


def _damage(logits: LogitSet, control: LogitSet) -> tuple[tuple[str, ...], Array]:
    """Return the corruptions and the accuracy minus the control's by cell; nothing where the two judged other cells."""
    cells, theirs = logits.cell_predictions(), control.cell_predictions()
    if cells is None or theirs is None or (cells.corruptions, cells.severities) != (theirs.corruptions, theirs.severities):
        return (), np.zeros((0, 0))
    return cells.corruptions, cell_accuracy(cells) - cell_accuracy(theirs)


def _selective(study: StudyFolder, key: str, budget: int, report: LogitSet) -> _BySeverity:
    selection = logits_of(study, key, budget, SELECTION)
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


def _by_class(predictions: Predictions) -> Array:
    count = np.bincount(predictions.labels, minlength=predictions.logits.shape[1])
    right = np.bincount(predictions.labels, weights=predictions.correct, minlength=len(count))
    return np.asarray(np.divide(right, count, out=np.full(len(count), np.nan), where=count > 0))


def ece_sentences(depths: Sequence[Depth]) -> list[str]:
    """Return each candidate's ECE, the mean over seeds, as the tables hold it.

    The pooled diagram's own ECE is at most that: gaps of opposite sign cancel between seeds.
    """
    found = []
    for depth in depths:
        raw = [one.raw for one in depth.seeds]
        scaled = [one.scaled for one in depth.seeds if one.scaled is not None]
        words = f"{depth.name}: ECE {_mean([one.ece for one in raw])} as trained"
        debiased = _mean([one.ece_debiased for one in raw])
        if len(scaled) == len(raw):
            words += f", {_mean([one.ece for one in scaled])} after temperature scaling"
            debiased += f" and {_mean([one.ece_debiased for one in scaled])}"
        found.append(f"{words} (debiased {debiased}), the mean of {len(raw)} seed{'s' * (len(raw) > 1)}.")
    return found


def _mean(each: Sequence[float]) -> str:
    return labels.number(float(np.mean(each)), "ece")


def hurt_sentences(found: Sequence[Depth]) -> list[str]:
    """Return, for each candidate, which corruptions and classes lost most against the control, with 95 % intervals."""
    result = []
    for depth in found:
        parts = []
        corruptions, classes = depth.by_seed
        if len(depth.corruptions):
            words = _worst([name.replace("_", " ") for name in depth.corruptions], corruptions)
            parts.append(f"by corruption (mean over severities): {words}")
        names = depth.class_names if len(depth.class_names) == classes.shape[1] else range(classes.shape[1])
        parts.append(f"by class: {_worst([f'class {name}' for name in names], classes)}")
        said = [f"95 % intervals over {len(classes)} seeds"] if len(classes) > 1 else []
        if depth.class_images:
            said.append(f"one image of one seed is {100 / (depth.class_images * len(classes)):.1f} points of a class")
        how = f" ({'; '.join(said)})" if said else ""
        result.append(f"{depth.name}: accuracy against the control, worst first; {'; '.join(parts)}{how}.")
    return result


def _worst(names: Sequence[str], by_seed: Array, shown: int = 3) -> str:
    """Return those that lost most of ``(S, N)`` differences, worst first, each with the interval of its mean over seeds."""
    means = by_seed.mean(axis=0)
    order = [int(place) for place in np.argsort(np.nan_to_num(means, nan=np.inf), kind="stable")[:shown]]
    words = []
    for at in order:
        one = paired(by_seed[:, at])
        interval = "" if one is None else interval_words(one, "accuracy", sign="+")
        words.append(" ".join(filter(None, (names[at], f"{100 * means[at]:+.1f} points", interval))))
    return ", ".join(words)
