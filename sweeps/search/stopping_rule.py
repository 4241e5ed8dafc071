"""Early stopping on several objectives: how candidates stand at a budget. Needs neither ray nor torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sweeps.front.volume import non_dominated
from sweeps.stopping_rules.shipped.ranks import last_rank

__all__ = ["goes_on", "last_rank", "ranks"]


def ranks(values: ArrayLike, directions: Sequence[str]) -> NDArray[np.int_]:
    """Return the non-dominated rank of each point: 1 on the front, 2 on the front of the others, and so on.

    Args:
        values: ``(N, M)``, no NaN.
        directions: "min" or "max" for each objective.
    """
    points = np.asarray(values, dtype=float).reshape(-1, len(directions))
    found = np.zeros(len(points), dtype=int)
    rank = 0
    while (found == 0).any():
        rank += 1
        left = np.flatnonzero(found == 0)
        found[left[non_dominated(points[left], directions)]] = rank
    return found


def goes_on(values: ArrayLike, directions: Sequence[str], keep: float) -> NDArray[np.bool_]:
    """Return which points go on; points of equal rank share their fate, so it may be more than the share ``keep``."""
    found = ranks(values, directions)
    return found <= last_rank(found, keep) if len(found) else np.zeros(0, dtype=bool)
