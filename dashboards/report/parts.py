"""The parts of a report that are tables and lists: computed here, laid out by the template."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Sequence
from typing import Any

import pandas as pd

from dashboards import labels
from dashboards.analysis.calibration_and_damage import Depth
from dashboards.analysis.points import Points, rows_of
from prune_core.base.kinds import NEVER_FINE_TUNED, REFERENCES
from prune_core.metrics.numbers import share_text

_EXTRA = ("worst_corruption_accuracy", "size_bytes", "macs")
"""What the table of all candidates has beside the columns of the other tables."""
_FOLDED = ("nll", "nonzero_macs", "compression")
"""What it shows when asked."""


def listed_columns(points: Points) -> list[str]:
    """Return the columns of the table of all candidates, shown or not."""
    return points.measured((*points.columns, *_EXTRA))


def shown_columns(points: Points) -> list[str]:
    """Return those that are shown before anybody chooses: few enough for the width of a page."""
    folded = {*_FOLDED} - {*points.asked, *points.limited}
    return [name for name in listed_columns(points) if name not in folded]


def table_rows(points: Points) -> list[Any]:
    """Return every complete candidate: longest budget first, references last, most accurate first."""
    table = points.complete
    table = table[~(table["method"].eq("control") & table["budget"].eq(0))]  # before fine-tuning a control is its baseline
    order = table.assign(reference=table["method"].isin(REFERENCES), always=~table["method"].isin(NEVER_FINE_TUNED))
    by = ["reference", "always", "budget", "accuracy"]
    return rows_of(table.loc[order.sort_values(by, ascending=[True, False, False, False], kind="stable").index])


def shown_at_first(points: Points, row: Any, named: Container[int] = ()) -> bool:
    """Return whether the table shows a candidate before any filter is touched: front, references, whom the answer names."""
    if row.method not in NEVER_FINE_TUNED and row.budget != points.longest:
        return False
    return row.method in REFERENCES or row.place in named or (points.longest in row.front_at and not row.collapsed)


def front_words(points: Points, row: Any) -> str:
    """Return whether a candidate is on the front of its budget, and how often when drawn again."""
    everywhere = row.method in NEVER_FINE_TUNED
    on = (points.longest if everywhere else row.budget) in row.front_at
    other = [budget for budget in row.front_at if budget != points.longest] if everywhere and not on else []
    kept = f", {share_text(row.frequency)}" if row.frequency == row.frequency else ""
    return f"{'yes' if on else 'no'}{kept}" + (f" (yes at {', '.join(map(str, other))})" if other else "")


def status_counts(records: pd.DataFrame) -> dict[str, int]:
    """Return how many records have each status."""
    found = Counter(str(status) for status in records["status"])
    return {name: found[name] for name in sorted(found, key=lambda status: (status != "complete", status))}


def failures(records: pd.DataFrame) -> list[tuple[str, str, int, str]]:
    """Return (status, cause, how many trials, an example) of every way in which trials ended badly, most frequent first."""
    bad = records[~records["status"].isin(["complete", "running"])].drop_duplicates("key")
    bad = bad.assign(cause=bad["cause"].astype(object).where(bad["cause"].notna(), "no cause written"))
    found = [
        (str(status), str(cause), len(part), labels.candidate(rows_of(part)[0]))
        for (status, cause), part in bad.groupby(["status", "cause"], sort=True)
    ]
    return sorted(found, key=lambda row: -row[2])


def seed_count(points: Points) -> tuple[int, int]:
    """Return the smallest and the largest number of seeds of a complete candidate."""
    seeds = points.complete["seeds"]
    return (int(seeds.min()), int(seeds.max())) if len(seeds) else (0, 0)


def flat(plain: Any, before: str = "") -> list[tuple[str, str]]:
    """Return nested keys and values as lines."""
    if not isinstance(plain, dict):
        return [(before, ", ".join(map(str, plain)) if isinstance(plain, list) else str(plain))]
    return [line for key, value in plain.items() for line in flat(value, f"{before} {key}".strip())]


def class_rows(depths: Sequence[Depth]) -> list[tuple[str, list[str]]]:
    """Return for each candidate its difference in accuracy to the control by class, as text."""
    return [
        (depth.name, ["–" if math.isnan(value) else f"{100 * value:+.1f}" for value in depth.classes]) for depth in depths
    ]


def selective_rows(depths: Sequence[Depth]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return for each candidate and its control the coverage and the accepted error, clean and by severity, as text."""
    return [
        (name, [(f"{100 * one.coverage:.1f} %", f"{100 * one.accepted_error:.1f} %") for one in found.values()])
        for depth in depths
        for name, found in ((depth.name, depth.selective), ("its control", depth.control_selective))
        if found
    ]
