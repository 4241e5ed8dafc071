"""Domination and hypervolume, exact, on plain arrays.

The hypervolume follows the idea of While, Bradstreet and Barone (WFG, IEEE Trans. Evol. Comp. 2012): a point's own share is
its box minus what the later points cover of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

_PAIRWISE = 300
"""Points up to which all pairs at once are faster than one pass after the other."""
_PAIRS = 1 << 21


def _as_losses(values: ArrayLike, directions: Sequence[str]) -> NDArray[np.float64]:
    """Return the values with every objective turned so that less is better."""
    unknown = set(directions) - {"min", "max"}
    if unknown:
        raise ValueError(f"directions are 'min' or 'max', not {sorted(unknown)}")
    signs = np.array([1.0 if direction == "min" else -1.0 for direction in directions])
    losses: NDArray[np.float64] = np.asarray(values, dtype=np.float64).reshape(-1, len(signs)) * signs
    if np.isnan(losses).any():
        raise ValueError("an objective is NaN: incomplete candidates do not compete")
    return losses


def non_dominated(values: ArrayLike, directions: Sequence[str]) -> NDArray[np.bool_]:
    """Return which points no other point beats (as good in every objective, better in one); equal points both stay.

    Args:
        values: ``(N, M)``, no NaN.
        directions: "min" or "max" for each of the M objectives.
    """
    return _minimal(_as_losses(values, directions))


def _minimal(losses: NDArray[np.float64]) -> NDArray[np.bool_]:
    # What comes first in lexicographic order is beaten by nothing that is left: a pass settles it and what it beats.
    kept = np.zeros(len(losses), dtype=bool)
    order = np.lexsort(losses.T[::-1])
    left = losses[order]
    while len(left):
        first = left[0]
        same = (left == first).all(axis=1)
        beaten = (left >= first).all(axis=1)
        kept[order[same]] = True
        order, left = order[~beaten], left[~beaten]
    return kept


def fronts_of_draws(losses: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return who is on the front in each draw, ``(D, N)``, of ``(D, N, M)`` objectives where less is better."""
    draws, points, objectives = losses.shape
    if points > _PAIRWISE:
        return np.array([_minimal(one) for one in losses])
    result = np.empty((draws, points), dtype=bool)
    step = max(1, _PAIRS // max(points * points, 1))
    for start in range(0, draws, step):
        some = losses[start : start + step]
        weak = np.ones((len(some), points, points), dtype=bool)
        strict = np.zeros_like(weak)
        for metric in range(objectives):
            one, other = some[:, :, None, metric], some[:, None, :, metric]
            weak &= one <= other
            strict |= one < other
        result[start : start + step] = ~(weak & strict).any(axis=1)
    return result


def hypervolume(points: ArrayLike, reference: ArrayLike, directions: Sequence[str]) -> float:
    """Return the volume that the points dominate, up to a reference point; points not better than it in all count nothing.

    Args:
        points: ``(N, M)``.
        reference: ``(M,)``, a stated worst point.
        directions: "min" or "max" for each objective.
    """
    worst = _as_losses(reference, directions)[0]
    losses = _as_losses(points, directions)
    inside = losses[(losses < worst).all(axis=1)]
    gains = np.unique(worst - inside, axis=0)
    return _volume(gains[_minimal(-gains)]) if len(gains) else 0.0


def _volume(gains: NDArray[np.float64]) -> float:
    """Return the volume of the union of boxes from the origin to each (non-dominated) row."""
    if gains.shape[1] == 1:
        return float(gains.max())
    if gains.shape[1] == 2:
        ordered = gains[np.argsort(-gains[:, 0])]
        below = np.concatenate([[0.0], ordered[:-1, 1]])
        return float((ordered[:, 0] * (ordered[:, 1] - below)).sum())
    # With the last objective ascending, later points reach at least as high: limiting them concerns the others only.
    ordered = gains[np.argsort(gains[:, -1], kind="stable")]
    total = 0.0
    for position, gain in enumerate(ordered):
        share = float(np.prod(gain[:-1]))
        later = np.minimum(ordered[position + 1 :, :-1], gain[:-1])
        if len(later):
            later = np.unique(later, axis=0)
            share -= _volume(later[_minimal(-later)])
        total += share * float(gain[-1])
    return total
