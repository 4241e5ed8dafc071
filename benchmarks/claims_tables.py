"""A simulated study of `benchmarks.claims_worlds` as a study's folder, and what the report's own pages claim of it.

Slower by far than `benchmarks.claims_null.report`, which makes the same claims from arrays: both say the same of the same
study (`tests/dashboards/analysis/test_claims_null.py`), and ``python -m benchmarks.claims_null --whole`` uses this one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.claims_worlds import BETTER, ECE, METRICS, MPC, RESAMPLES, Said, Study, layout, ratio_levels
from dashboards.analysis.answers import Answer, answers
from dashboards.analysis.control_comparison import control_claims
from dashboards.analysis.effects import effects
from dashboards.analysis.indistinguishable import not_told_apart
from dashboards.analysis.margins import against_margins
from dashboards.analysis.points import Points, candidate_points, rows_of
from dashboards.analysis.trends import trends
from dashboards.reading.study_folder import StudyFolder
from prune_core.base.kinds import REFERENCES
from sweeps.front.demands import MARGIN
from sweeps.front.image_noise import ImageNoise

BUDGET = 2


def as_folder(study: Study) -> StudyFolder:
    """Return the study as its folder would be read; nothing is written."""
    rows = [_record(study, candidate, seed) for candidate in range(len(study.report)) for seed in range(_seeds(study))]
    plain = {
        "seeds": list(range(_seeds(study))),
        "objectives": {"accuracy": "max", "ece": "min", "mpc": "max", "nonzero_parameters": "min"},
        "margins": {"accuracy": MARGIN},
    }
    folder = StudyFolder(Path("simulated"), plain, pd.DataFrame(rows))
    folder.__dict__["images"] = _Images(study)  # in the place of what would be read from the trials' folders
    return folder


def _seeds(study: Study) -> int:
    return int(study.report.shape[1])


def _record(study: Study, candidate: int, seed: int) -> dict[str, Any]:
    """Return one record; candidate 0 is the control."""
    _, ratios = layout(len(study.report) - 1)
    arm, step = divmod(candidate - 1, ratios)
    ratio = float(ratio_levels(ratios)[step]) if candidate else 0.0
    record: dict[str, Any] = {
        "key": f"k{candidate}x{seed}",
        "control_key": f"k0x{seed}",
        "network": "n",
        "arm": f"n-m{arm:02d}" if candidate else "n",
        "method": f"m{arm:02d}" if candidate else "control",
        "ratio": ratio,
        "seed": seed,
        "budget": BUDGET,
        "status": "complete",
        "cause": None,
        "nonzero_parameters": 1e5 * (1.0 - ratio),
        "compression": 1.0 / (1.0 - ratio),
    }
    for prefix, numbers in (("", study.report), ("val_", study.selection)):
        for place, name in enumerate(METRICS):
            record[f"{prefix}{name}"] = numbers[candidate, seed, place]
            record[f"delta_{prefix}{name}"] = numbers[candidate, seed, place] - numbers[0, seed, place]
    return record


class _Images(ImageNoise):
    """The resampled metrics of a simulated study's records."""

    def __init__(self, study: Study) -> None:
        super().__init__(Path("simulated"))
        self._study = study

    def of_record(self, key: str, budget: int) -> NDArray[np.void] | None:
        """Return how the metrics of one record move on resampled images; None where that is not simulated."""
        candidate, seed = (int(part) for part in key[1:].split("x"))
        both = {"": self._study.noise, "val_": self._study.selection_noise}
        kept = [
            (f"{prefix}{name}", noise[candidate, seed, place])
            for prefix, noise in both.items()
            if noise is not None
            for place, name in enumerate(METRICS)
        ]
        if not kept:
            return None
        result = np.zeros(RESAMPLES, dtype=[(name, float) for name, _ in kept])
        for name, values in kept:
            result[name] = values
        return result


def whole_report(study: Study) -> Said:
    """Return what the pages of a report claim, in every place."""
    folder = as_folder(study)
    points = candidate_points(folder)
    asked = {answer.question: answer for answer in answers(folder, points)}
    found = np.zeros((len(study.report) - 1, len(METRICS)), dtype=bool)
    said, winners = [], []
    for question, metric in (("Best calibrated", ECE), ("Most robust", MPC)):
        answer = asked[question]
        if answer.row is None:
            continue
        who, gap = _candidate(study, answer.row), answer.differences[METRICS[metric]]
        sure = any("by more than chance" in remark for remark in answer.remarks)
        found[who, metric] = sure and gap.mean * BETTER[metric] > 0
        winners.append((who, metric, gap, None))
        said += [sure, _apart(folder, points, answer, metric)]
    beaten, told = control_claims(folder, _pruned(points))
    gains = [one is not None and sure for one, sure in zip(beaten, told, strict=True)]
    better = [one is not None and one.mean * BETTER[at % len(METRICS)] > 0 for at, one in enumerate(beaten)]
    order = [_candidate(study, row) for row in rows_of(_pruned(points))]
    found[order] |= (np.array(gains) & np.array(better)).reshape(-1, len(METRICS))
    said += [any(told), any(row.verdict == "beyond" for row in against_margins(folder, points))]
    said += [word in ("better", "worse") for effect in effects(folder) for word in effect.verdicts.values()]
    said += [trend.claimed for trend in trends(folder)]
    return Said(any(said), found, winners)


def _pruned(points: Points) -> pd.DataFrame:
    table = points.at_longest()
    return table[~table["method"].isin(REFERENCES)]


def _candidate(study: Study, row: Any) -> int:
    """Return which candidate a row is, 0 for the first pruned one."""
    arms, ratios = layout(len(study.report) - 1)
    arm = [f"n-m{at:02d}" for at in range(arms)].index(row.arm)
    return arm * ratios + int(np.abs(ratio_levels(ratios) - row.ratio).argmin())


def _apart(folder: StudyFolder, points: Points, answer: Answer, metric: int) -> bool:
    """Return whether anybody who could have been chosen is told apart from the one that was."""
    table = _pruned(points)
    able = table[table["delta_val_accuracy"].ge(-MARGIN)]
    return len(not_told_apart(folder, able, answer.row, f"val_{METRICS[metric]}")) < len(able) - 1
