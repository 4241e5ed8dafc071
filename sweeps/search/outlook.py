"""What the search expects of going on: written down at every ask, read by ``plan`` and ``status``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune_core.base.files import read_json, write_json
from prune_core.metrics.numbers import counted
from sweeps.folder.paths import OUTLOOK

if TYPE_CHECKING:
    from sweeps.study.search_sections import SearchSection

SHOWN = 6
"""How many candidates of the expected front are named in a line."""


def note_outlook(
    out: Path, expected: Mapping[str, Any], front: Sequence[tuple[str, float]], told: int, until: float | None
) -> bool:
    """Write down what is expected; return whether the study's rule ends the search here.

    Args:
        out: the output folder.
        expected: ``expected_gain`` with ``low`` and ``high``, see `SaysWhatItExpects`.
        front: candidates expected on the front, with their probabilities.
        told: how many candidates that rests on.
        until: the expected gain at which the search ends; None is never.
    """
    ended = until is not None and expected["expected_gain"] <= until
    numbers = {name: float(expected[name]) for name in ("expected_gain", "low", "high")}
    members = [{"candidate": key, "probability": share} for key, share in front]
    write_json(out / OUTLOOK, {"told": told, **numbers, "until": until, "ended": ended, "front": members})
    return ended


def outlook_lines(search: SearchSection, out: Path) -> list[str]:
    """Return what the search of a folder expected last, as lines for people; none where it has said nothing."""
    try:
        found = read_json(out / OUTLOOK)
        if search.kind != "optuna" or not isinstance(found, dict):
            return []
        gain = (
            f"  expected   by the model after {counted(found['told'], 'candidate')}, trying all that are left would add "
            f"{found['expected_gain']:.1%} of the hypervolume (90 % interval {found['low']:.1%} to {found['high']:.1%})"
        )
        names = [str(one["candidate"]) for one in found["front"]]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return []
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    lines = [gain, f"  expected   on the front: {'; '.join(names[:SHOWN])}{more}"] if names else [gain]
    if search.until is not None:
        wanted = search.until.expected_gain
        state = "ended by it" if found.get("ended") and found.get("until") == wanted else "not reached"
        lines.append(f"  until      expected gain of {100 * wanted:.3g}% or less, fixed beforehand: {state}")
    return lines
