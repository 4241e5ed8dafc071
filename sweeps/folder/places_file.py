"""The places for trials that a sweep has, as its driver writes them down while it runs, for who reads the folder."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prune_core.base.files import read_json, write_json
from sweeps.folder.paths import PLACES

FRESH_SECONDS = 60.0
"""What was written longer ago says nothing about now."""


def write_places(out: Path, state: Mapping[str, Any]) -> None:
    """Write the state down, with the time.

    Args:
        out: the output folder.
        state: what `sweeps.engine.places.Places.state` returns.
    """
    write_json(out / PLACES, {**state, "at": time.time()})


def read_places(out: Path) -> dict[str, Any] | None:
    """Return the state of a sweep that runs now, or None.

    Returns:
        ``places``, ``filled``, ``waiting`` (trials that wait for a place), ``held_back`` (trials that wait for a baseline),
        ``why`` (why nothing starts, or None), ``nodes`` (``name``, ``places``, ``filled``, ``free``, ``slower``: how many
        times as slow as its peers, or None), ``trials`` (``name``, ``node``, ``process``, ``gpus``, ``since``), ``at``.
    """
    try:
        state = read_json(out / PLACES)
        fresh = isinstance(state, dict) and time.time() - float(state["at"]) < FRESH_SECONDS
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return state if fresh else None


@contextmanager
def places_forgotten(out: Path) -> Iterator[None]:
    """Remove the state in the end: the sweep is over."""
    try:
        yield
    finally:
        (out / PLACES).unlink(missing_ok=True)
