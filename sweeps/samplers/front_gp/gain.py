"""How much hypervolume a candidate is expected to add, by counting points of a box that nothing dominates yet."""

from __future__ import annotations

from functools import reduce

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bits = NDArray[np.uint64]


class Box:
    """U points spread over a box of M objectives, all to be large; which of them a value dominates is a row of bits.

    Args:
        points: ``(U, M)``, U a multiple of 64.
    """

    def __init__(self, points: Floats) -> None:
        count, objectives = points.shape
        self._sorted = np.sort(points, axis=0)
        self._below: list[Bits] = []
        for m in range(objectives):
            order = np.argsort(points[:, m], kind="stable")
            rank = np.empty(count, dtype=np.int64)
            rank[order] = np.arange(count)
            below = rank[None, :] < np.arange(count + 1)[:, None]  # with r points below a value, those of rank under r
            self._below.append(np.packbits(below, axis=1).view(np.uint64))
        self.size = count

    def dominated(self, values: Floats) -> Bits:
        """Return which points values ``(..., M)`` dominate, as bits ``(..., U / 64)``."""
        rows = [
            below[np.searchsorted(self._sorted[:, m], values[..., m], side="right")] for m, below in enumerate(self._below)
        ]
        return reduce(np.bitwise_and, rows)


def count(bits: Bits) -> NDArray[np.int64]:
    """Return how many bits are set along the last axis."""
    found: NDArray[np.int64] = np.bitwise_count(bits).sum(-1, dtype=np.int64)
    return found
