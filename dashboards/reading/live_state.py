"""How a sweep is doing, read from its folder alone: trials by state, throughput, time left, failures."""

from __future__ import annotations

import math
import time
from collections import Counter
from pathlib import Path
from typing import Any

from prune_core.base.errors import BadInput
from prune_core.base.trial_folder import OUTCOME, read_outcome, read_progress
from sweeps.folder.lock import holder_of
from sweeps.folder.paths import trial_folders
from sweeps.run.status import SILENT_SECONDS
from sweeps.search.whole_plan import whole_plan

WINDOW_SECONDS = 900.0
"""Throughput is that of the last quarter of an hour."""


def live_state(out: Path) -> dict[str, Any]:
    """Return the state of a study as plain data.

    Returns:
        ``driver`` (host and process, or None), ``counts`` (state -> trials, ``waiting`` and ``running`` included), ``known``
        (trials planned, None where the plan cannot be made), ``running`` (what each running trial does), ``per_minute``,
        ``ended`` (``seconds`` since the first end, ``trials`` ended by then), ``seconds_left`` (None before anything ended),
        ``failures`` (``name``, ``status``, ``cause``; at most 200).
    """
    folders = {path.name: path for path in trial_folders(out)}
    outcomes = {key: outcome for key, path in folders.items() if (outcome := read_outcome(path)) is not None}
    names, known = _names(out, folders)
    running = [_doing(names.get(key, key), path) for key, path in folders.items() if key not in outcomes and _alive(path)]
    counts = Counter(str(outcome.get("status")) for outcome in outcomes.values())
    waiting = max(0, known - len(outcomes) - len(running)) if known is not None else 0
    pace = _per_minute([folders[key] / OUTCOME for key in outcomes])
    todo = waiting + len(running)
    holder = holder_of(out)
    return {
        "driver": None if holder is None else f"{holder.get('host')}, process {holder.get('process')}",
        "known": known,
        "counts": {**counts, "running": len(running), "waiting": waiting},
        "running": running[:64],
        "per_minute": round(pace, 2),
        "ended": _ended([folders[key] / OUTCOME for key in outcomes]),
        "seconds_left": round(60 * todo / pace) if pace > 0 and todo and holder is not None else None,
        "failures": [
            {
                "name": names.get(key, key),
                "status": str(outcome["status"]),
                "cause": str(outcome.get("cause") or "no cause written"),
            }
            for key, outcome in outcomes.items()
            if outcome.get("status") in ("failed", "diverged")
        ][:200],
    }


def _names(out: Path, folders: dict[str, Path]) -> tuple[dict[str, str], int | None]:
    try:
        plan = whole_plan(out)
    except BadInput:
        return {}, None
    names = {trial.key: trial.name for trial in plan.trials}
    # Where no key fits (the data is not at hand here), how many trials there should be still holds; their names do not.
    return (names, len(names)) if not folders or set(names) & set(folders) else ({}, max(len(names), len(folders)))


def _alive(path: Path) -> bool:
    progress = read_progress(path)
    return progress is not None and time.time() - float(progress.get("heartbeat", 0)) < SILENT_SECONDS


def _doing(name: str, path: Path) -> dict[str, Any]:
    progress = read_progress(path) or {}
    return {"name": name, "phase": str(progress.get("phase", "")), "epoch": progress.get("epoch"), "of": progress.get("of")}


def _ended(outcomes: list[Path], most: int = 120) -> list[dict[str, float]]:
    """Return how many trials had ended so many seconds after the first one, at most so many points."""
    times = sorted(path.stat().st_mtime for path in outcomes if path.exists())
    step = max(1, -(-len(times) // most))
    kept = [*range(0, len(times), step), len(times) - 1] if times else []
    return [{"seconds": round(times[place] - times[0], 1), "trials": place + 1} for place in kept]


def _per_minute(outcomes: list[Path]) -> float:
    """Return how many trials ended per minute of late."""
    now = time.time()
    ages = [now - path.stat().st_mtime for path in outcomes if path.exists()]
    recent = [age for age in ages if age < WINDOW_SECONDS]
    span = max(recent, default=math.inf)
    return 60 * len(recent) / max(span, 1.0) if math.isfinite(span) else 0.0
