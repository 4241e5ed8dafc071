"""Does a candidate meet the study's limits, and if not, why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sweeps.study.deciding import deciding_column
from sweeps.study.values import Limit


def unmet(candidate: Mapping[str, Any], limits: Iterable[Limit], select_on: str = "validation") -> list[str]:
    """Return why a candidate does not meet the limits; empty where it does.

    Args:
        candidate: column -> mean over the seeds, as a row of `sweeps.front.front.candidates`.
        limits: the study's demands, on the columns that decide (`sweeps.study.deciding`).
        select_on: as the study says.
    """
    reasons = []
    for limit in limits:
        chosen = deciding_column(limit.column, candidate, select_on)
        measured = candidate.get(chosen)
        if measured is None or measured != measured:
            reasons.append(f"{chosen} was not measured (limit {limit})")
        elif not limit.holds(float(measured)):
            reasons.append(f"{chosen} is {float(measured):.4g} (limit {limit})")
    return reasons
