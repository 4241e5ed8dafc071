"""The parts of a report that are tables and lists: computed here, laid out by the template."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from dashboards import labels
from dashboards.points import REFERENCES, Points, rows_of
from dashboards.study_folder import StudyFolder


def front_rows(points: Points) -> list[Any]:
    """Return the front's candidates, longest budget first, most accurate first."""
    table = points.complete
    return rows_of(table[table["front"]].sort_values(["budget", "accuracy"], ascending=[False, False]))


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


def seed_count(points: Points) -> int:
    """Return the smallest number of seeds of a complete candidate."""
    return int(points.complete["seeds"].min()) if len(points.complete) else 0


def how(study: StudyFolder) -> list[tuple[str, str]]:
    """Return how the study was run, as name and value."""
    plain = study.plain
    data, evaluation = (part if isinstance(part, dict) else {} for part in (plain.get("data"), plain.get("evaluation")))
    corruptions = {
        "none": "none",
        "generated": f"generated here with seed {evaluation.get('seed', 0)}: not the benchmark's own files",
        "official": "the benchmark's own files",
    }.get(str(evaluation.get("corruptions", "none")), "unknown")
    chosen = (
        "the report images: the winners are chosen on the very images that judge them"
        if study.select_on == "report"
        else "validation images, clean and under the four extra corruptions; reported on test images and the fifteen"
    )
    cell = evaluation.get("images_per_cell")
    seconds = [float(study.records[name].sum()) for name in ("train_seconds", "evaluate_seconds") if name in study.records]
    rows = [
        (
            "Data",
            f"{data.get('name', 'not stated')}"
            + "".join(f", {key} {data[key]}" for key in ("train", "validation", "test") if data.get(key)),
        ),
        ("Corruption set", corruptions),
        ("Images per corrupted cell", f"{cell}, balanced over the classes, drawn by seed" if cell else "all test images"),
        ("Chosen on", chosen),
        ("ECE", f"top label, {evaluation.get('ece_bins', 15)} equal-width bins"),
        ("Seeds", ", ".join(map(str, study.seeds or [])) or "not stated"),
        ("Budgets (epochs of fine-tuning)", ", ".join(map(str, plain.get("budgets") or [])) or "not stated"),
        ("Objectives", ", ".join(f"{name} ({way})" for name, way in study.objectives.items())),
        ("Records", f"{len(study.records)}"),
    ]
    if seconds and np.isfinite(sum(seconds)):
        rows.append(("Computing time of the records", f"{sum(seconds) / 3600:.2f} hours"))
    return rows


def flat(plain: Any, before: str = "") -> list[tuple[str, str]]:
    """Return nested keys and values as lines."""
    if not isinstance(plain, dict):
        return [(before, ", ".join(map(str, plain)) if isinstance(plain, list) else str(plain))]
    return [line for key, value in plain.items() for line in flat(value, f"{before} {key}".strip())]
