"""The parts of a report that are tables and lists: computed here, laid out by the template."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from dashboards import labels
from dashboards.analysis.calibration_and_damage import Depth
from dashboards.analysis.points import Points, rows_of
from prune_core.base.kinds import REFERENCES


def front_rows(points: Points) -> list[Any]:
    """Return the front's candidates, longest budget first, most accurate first."""
    table = points.complete
    return rows_of(table[table["front"]].sort_values(["budget", "accuracy"], ascending=[False, False]))


def front_heading(points: Points) -> str:
    """Return what the figure of the front shows, in a line."""
    table = points.at_longest()
    pruned = table[~table["method"].isin(REFERENCES)]
    if not len(pruned):
        return "The front"
    on = int(pruned["front"].sum())
    return f"The front: {on or 'none'} of {len(pruned)} pruned candidates at {labels.epochs(points.longest)} of fine-tuning"


def reference_rows(points: Points) -> list[Any]:
    """Return baselines, controls and the dense ladder; a control before fine-tuning is its baseline and is left out."""
    table = points.complete
    table = table[~(table["method"].eq("control") & table["budget"].eq(0))]
    return rows_of(table[table["method"].isin(REFERENCES)].sort_values(["network", "method", "budget"]))


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
