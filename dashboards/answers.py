"""The answer first: which networks to take, by the selection numbers, with the report numbers beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from dashboards import labels
from dashboards.points import REFERENCES, Points, rows_of
from dashboards.study_folder import StudyFolder
from prune_core.errors import BadInput
from sweeps.pareto_limits import unmet
from sweeps.study_values import Limit, parse_limit

MARGIN = 0.01
"""Accuracy that may be lost against the control where the study declares no margin."""
DECIDABLE = 5
"""Seeds from which on a difference is called one."""


@dataclass(frozen=True)
class Answer:
    """One of the three answers.

    Attributes:
        question: what was asked, for example "Smallest within the limits".
        sentence: the answer in words; says so where there is none.
        row: the candidate, None where none qualifies.
        differences: column -> mean and "[low, high]" against the control of the same seeds and budget.
    """

    question: str
    sentence: str
    row: Any | None
    differences: Mapping[str, tuple[str, str]]


def limits_of(study: StudyFolder) -> list[Limit]:
    """Return the study's limits.

    Raises:
        BadInput: a limit cannot be read.
    """
    given = study.plain.get("limits") or []
    try:
        return [parse_limit(str(text)) for text in given]
    except ValueError as error:
        raise BadInput(f"{study.path / 'study.yaml'}: limits: {error}") from error


def accuracy_margin(study: StudyFolder) -> float:
    """Return how much accuracy may be lost against the control."""
    margins = study.plain.get("margins")
    if isinstance(margins, Mapping):
        for name in ("accuracy", "val_accuracy"):
            if name in margins:
                return float(margins[name])
    return MARGIN


def answers(study: StudyFolder, points: Points) -> list[Answer]:
    """Return the three answers among the pruned candidates at the longest budget."""
    table = points.at_longest()
    decide = "" if study.select_on == "report" else "val_"
    accuracy = f"{decide}accuracy" if f"{decide}accuracy" in table else "accuracy"
    pruned = table[~table["method"].isin(REFERENCES)]
    allowed_loss = accuracy_margin(study)
    # The difference is to the control of the same baseline: slimming starts from one of its own.
    lost = -pruned[f"delta_{accuracy}"] if f"delta_{accuracy}" in pruned else pd.Series(0.0, index=pruned.index)
    near = pruned[lost <= allowed_loss]
    limits = limits_of(study)
    allowed = near
    if limits:
        meets = [not unmet(row._asdict(), limits, study.select_on) for row in rows_of(pruned)]
        allowed = pruned[np.array(meets, dtype=bool)]
    margin = (
        f"accuracy at most {100 * allowed_loss:g} percentage point{'s' if allowed_loss != 0.01 else ''} below its control"
    )
    within = "within the limits (" + ", ".join(map(str, limits)) + ")" if limits else f"with {margin}"
    cost = (
        "nonzero_macs"
        if "nonzero_parameters" not in study.objectives and "nonzero_macs" in study.objectives
        else "nonzero_parameters"
    )
    return [
        _answer(study, "Smallest", allowed, cost, True, within),
        _answer(study, "Best calibrated", near, f"{decide}ece", True, f"with {margin}"),
        _answer(study, "Most robust", near, f"{decide}mpc", False, f"with {margin}"),
    ]


def _answer(study: StudyFolder, question: str, rows: pd.DataFrame, column: str, least: bool, condition: str) -> Answer:
    rows = rows.dropna(subset=[column]) if column in rows else rows.iloc[:0]
    if not len(rows):
        return Answer(question, f"{question} {condition}: no complete pruned network qualifies.", None, {})
    row = rows_of(rows.sort_values([column, "network", "arm", "ratio"], ascending=[least, True, True, True]).head(1))[0]
    differences = {name: difference(study.records, row, name) for name in ("accuracy", "ece", "nll", "mpc")}
    accuracy = labels.spread(row.accuracy, row.accuracy_std, "accuracy")
    parts = [
        f"accuracy {accuracy}",
        f"ECE {labels.spread(row.ece, row.ece_std, 'ece')}",
        f"NLL {labels.number(row.nll, 'nll')}",
    ]
    if not np.isnan(row.mpc):
        parts.append(f"mPC {labels.spread(row.mpc, row.mpc_std, 'mpc')}")
    count = labels.number(row.nonzero_parameters, "nonzero_parameters")
    size = f"{count} nonzero parameters ({labels.number(row.compression, 'compression')})"
    return Answer(
        question, f"{question} {condition}: {labels.candidate(row)}, {size}, {', '.join(parts)}.", row, differences
    )


def difference(records: pd.DataFrame, row: Any, name: str) -> tuple[str, str]:
    """Return a candidate's mean difference to its control, and its 95 % t interval over seeds ("" where there is none)."""
    column = f"delta_{name}"
    if column not in records:
        return "–", ""
    own = records[(records["key"].astype(str).isin(row.keys.split(";"))) & (records["budget"] == row.budget)]
    values = own.loc[own["status"] == "complete", column].dropna().to_numpy(dtype=float)
    if not len(values):
        return "–", ""
    mean = float(values.mean())
    if len(values) < 2:
        return labels.number(mean, column, sign=True), ""
    half = float(stdtrit(len(values) - 1, 0.975) * values.std(ddof=1) / np.sqrt(len(values)))
    scale, digits = (100.0, 1) if labels.is_share(column) else (1.0, 4)
    interval = f"[{scale * (mean - half):+.{digits}f}, {scale * (mean + half):+.{digits}f}]"
    return labels.number(mean, column, sign=True), interval


def beats_control(study: StudyFolder, points: Points) -> str:
    """Return the plain sentence about whether anything beats its control, as far as the seeds can tell."""
    pruned = points.at_longest()
    pruned = pruned[~pruned["method"].isin(REFERENCES)]
    if "delta_accuracy" not in study.records or not len(pruned):
        return ""
    better = [
        row for row in rows_of(pruned) if not row.delta_accuracy < 0 and not row.delta_ece > 0 and not row.delta_mpc < 0
    ]
    if not better:
        return "No pruned network is at least as good as its control in accuracy, ECE and mPC together."
    verb = "is" if len(better) == 1 else "are"
    count = (
        f"{len(better)} of {len(pruned)} pruned candidates {verb} on average at least as good as their control in accuracy, "
        "ECE and mPC"
    )
    seeds = int(pruned["seeds"].min())
    if seeds < DECIDABLE:
        return f"{count}; with {seeds} seeds, fewer than {DECIDABLE}, whether that is more than chance is not decidable."
    return f"{count}."
