"""How a sweep is doing, read from its folder alone: trials by state, what runs, how fast, how long, what was found."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dashboards.reading.live_trials import LiveTrial, LiveTrials, live_trials
from prune_core.base.errors import BadInput
from sweeps.folder.lock import holder_of
from sweeps.folder.paths import report_page
from sweeps.folder.places_file import read_places
from sweeps.run.pace import busy_rate
from sweeps.run.places_text import places_line
from sweeps.search.outlook import outlook_lines
from sweeps.study.model import read_study
from sweeps.tracking.journal import read_journal

_POINTS = 120
_RUNNING, _FAILURES = 64, 200


def live_state(out: Path, trials: LiveTrials | None = None) -> dict[str, Any]:
    """Return the state of a study as plain data.

    Args:
        out: its folder.
        trials: its trials, where they were read already.

    Returns:
        ``driver`` (host and process, or None), ``counts`` (state -> trials, ``waiting`` and ``running`` included), ``known``
        (trials planned, None where the plan cannot be made), ``running`` (what each running trial does, with its curve),
        ``waiting_for`` (why others wait, in words), ``per_minute`` (while trials ran: `sweeps.run.pace.busy_rate`),
        ``ended`` (``seconds`` since the first trial began, ``trials`` ended by then), ``busy`` (``seconds``, ``places`` that
        had a trial), ``volume`` (``seconds`` since the first note, ``value``), ``outlook`` (what the search expects, in
        words), ``seconds_left`` (None before anything ended, and while nobody is at work), ``failures`` (``key``, ``name``,
        ``status``, ``cause``, ``log``; at most 200), ``report`` (whether its page is there) and ``final`` (whether that page
        is of all that there is: nobody is at work, or the run that is wrote it after its last trial).
    """
    found = trials or live_trials(out)
    running, ended = found.running, found.ended
    counts = Counter(str(one.outcome["status"]) for one in ended if one.outcome is not None)
    waiting = max(0, found.known - len(ended) - len(running)) if found.known is not None else 0
    spans = [(one.begun, one.ended) for one in ended if one.begun is not None and one.ended is not None]
    pace = busy_rate(spans) or 0.0
    todo, holder = waiting + len(running), holder_of(out)
    return {
        "driver": None if holder is None else f"{holder.get('host')}, process {holder.get('process')}",
        "known": found.known,
        "counts": {**counts, "running": len(running), "waiting": waiting},
        "running": [one.doing() for one in running[:_RUNNING]],
        "waiting_for": _reasons(found, waiting, driven=holder is not None),
        "per_minute": round(pace, 2),
        "ended": _ended(ended),
        "busy": _busy(found.trials),
        "volume": _volume(out),
        "outlook": _outlook(out),
        "seconds_left": round(60 * todo / pace) if pace > 0 and todo and holder is not None else None,
        "failures": [
            {
                "key": one.key,
                "name": one.name,
                "status": one.state,
                "cause": str((one.outcome or {}).get("cause") or "no cause written"),
                "log": one.log,
            }
            for one in ended
            if one.state in ("failed", "diverged")
        ][:_FAILURES],
        "report": report_page(out).is_file(),
        "final": holder is None or (not todo and _written_since(report_page(out), float(holder.get("since", 0)))),
    }


def _written_since(page: Path, moment: float) -> bool:
    try:
        return page.stat().st_mtime >= moment
    except OSError:
        return False


def _reasons(found: LiveTrials, waiting: int, *, driven: bool) -> list[str]:
    if not waiting:
        return []
    if not driven:
        return ["no run is at work in this folder: start it with \u201cprunefront run\u201d"]
    starting = ["Ray is starting, or its workers are"] if not found.running and not found.ended else []
    filled = places_line(read_places(found.out))  # with what Ray says, where nothing starts
    return [*([filled] if filled else starting), *found.reasons()]


def _ended(trials: Sequence[LiveTrial]) -> list[dict[str, float]]:
    """Return how many trials had ended so many seconds after the first one began."""
    times = sorted(one.ended for one in trials if one.ended is not None)
    start = min((one.begun for one in trials if one.begun is not None), default=times[0] if times else 0.0)
    points = [{"seconds": round(max(0.0, moment - start), 1), "trials": place + 1} for place, moment in enumerate(times)]
    return _thinned(points)


def _busy(trials: Sequence[LiveTrial]) -> list[dict[str, float]]:
    """Return how many places had a trial, from each of so many moments on; the last one is now, or the last end."""
    spans = [
        (one.begun, one.ended if one.ended is not None else time.time())
        for one in trials
        if one.begun is not None and (one.ended is not None or one.running)
    ]
    if not spans:
        return []
    start, end = min(begun for begun, _ in spans), max(done for _, done in spans)
    wide = max(end - start, 1.0)
    if len(spans) > _POINTS:  # means over equal parts of the time
        part = wide / _POINTS
        edges = [start + part * at for at in range(_POINTS)]
        return [{"seconds": round(left - start, 1), "places": _places(spans, left, part)} for left in edges]
    moments = sorted({moment for span in spans for moment in span})
    points = [
        {"seconds": round(moment - start, 1), "places": sum(begun <= moment < done for begun, done in spans)}
        for moment in moments
    ]
    points[-1]["places"] = sum(one.running for one in trials)  # the last moment is now, or the last end
    return points


def _places(spans: Sequence[tuple[float, float]], since: float, length: float) -> float:
    """Return how many trials ran in a part of the time, on average."""
    return round(sum(max(0.0, min(done, since + length) - max(begun, since)) for begun, done in spans) / length, 2)


def _volume(out: Path) -> list[dict[str, float]]:
    """Return the hypervolume of the longest budget's front over time."""
    rows = [(row.when, row.metrics.get("hypervolume")) for row in read_journal(out)]
    known = [(when, float(value)) for when, value in rows if isinstance(value, int | float)]
    return _thinned([{"seconds": round(when - known[0][0], 1), "value": value} for when, value in known])


def _outlook(out: Path) -> list[str]:
    try:
        return [line.strip().split(maxsplit=1)[1] for line in outlook_lines(read_study(out).search, out)]
    except BadInput:
        return []


def _thinned(points: list[dict[str, float]]) -> list[dict[str, float]]:
    """Return at most so many points, the last one among them."""
    step = max(1, -(-len(points) // _POINTS))
    return [point for place, point in enumerate(points) if place % step == 0 or place == len(points) - 1]
