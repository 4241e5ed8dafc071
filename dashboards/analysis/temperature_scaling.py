"""Calibration before and after temperature scaling, of the chosen candidates and their controls: from the records alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboards import labels
from dashboards.analysis.columns import scaling_columns, with_numbers
from dashboards.analysis.csv_tables import Table
from dashboards.reading.study_folder import StudyFolder
from prune_core.evaluation.scoring import fitted_on


def scaling_head(column: str) -> str:
    """Return the head of a column of the table."""
    return labels.heading(column).replace("after temperature scaling", "after scaling")


def scaling_rows(study: StudyFolder, rows: Sequence[Any]) -> list[tuple[str, dict[str, str]]]:
    """Return, for each candidate and its control, mean and sample deviation over seeds by column, as text.

    The columns are those of `scaling_columns` in which one of them has a number.

    Temperature scaling changes no decision and no accuracy. What it mends is no damage that pruning did for good: a pruned
    network is worse calibrated than its control only if it still is after scaling both.
    """
    found = _measured(study, rows)
    shown = with_numbers(scaling_columns(), ({column: mean for column, mean, _ in numbers} for _, _, numbers in found))
    return [
        (
            which if which != "candidate" else name,
            {column: labels.spread(mean, deviation, column) for column, mean, deviation in numbers if column in shown},
        )
        for name, which, numbers in found
    ]


def fitted_words(study: StudyFolder) -> str:
    """Return what the temperatures of the records were fitted on, in words."""
    words = {
        "one half of the validation images": "one half of the selection images",
        "two-fold cross-fit on the report images": "the report images, each half for the other",
    }
    records = study.records.reindex(columns=["val_accuracy", "temperature"]).dropna(subset=["temperature"])
    rows: list[dict[Any, Any]] = records.to_dict("records")
    return " or ".join(sorted({words[fitted_on(row)] for row in rows}))


def scaling_table(study: StudyFolder, rows: Sequence[Any]) -> Table:
    """Return the same as a table of unrounded numbers."""
    return ("candidate", "network", "metric", "mean", "deviation"), (
        (name, which.removeprefix("its "), *number) for name, which, numbers in _measured(study, rows) for number in numbers
    )


def _measured(study: StudyFolder, rows: Sequence[Any]) -> list[tuple[str, str, list[tuple[str, float, float]]]]:
    result: list[tuple[str, str, list[tuple[str, float, float]]]] = []
    seen: set[str] = set()
    for row in rows:
        if row.keys in seen:
            continue
        seen.add(row.keys)
        records = study.records
        mine = records["key"].astype(str).isin(row.keys.split(";")) & records["budget"].eq(row.budget)
        at = np.flatnonzero(mine)
        controls = study.controls[at]
        result.append((labels.candidate(row), "candidate", _numbers(study, at)))
        if len(controls) and (controls >= 0).all():
            result.append((labels.candidate(row), "its control", _numbers(study, controls)))
    return result


def _numbers(study: StudyFolder, rows: NDArray[np.int64]) -> list[tuple[str, float, float]]:
    """Return (column, mean, sample standard deviation) over some records."""
    names = scaling_columns()
    table = study.records.iloc[rows].reindex(columns=names).astype(float)
    return [(name, float(table[name].mean()), float(table[name].std(ddof=1))) for name in names]
