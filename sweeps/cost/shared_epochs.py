"""Epochs of trials that a search has yet to choose: tries of one candidate at several budgets are one training."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

MOMENTS = 8
"""Points of the quadrature over when a try comes; exact for up to 15 budgets."""


def epochs_to_train(wanted: Collection[int], trained: Collection[int]) -> int:
    """Return the epochs that a trial trains for some budgets when it has come by others.

    It goes on from the longest of those. The state in between is not kept, so what lies below is walked again from 0, in one
    walk beside it.
    """
    furthest = max(trained, default=0)
    behind = max((budget for budget in wanted if budget < furthest), default=0)
    return behind + max(max(wanted, default=0) - furthest, 0)


def expected_epochs(budgets: Sequence[int], share: float) -> dict[int, float]:
    """Return the epochs that a try at each budget trains on average, given what the same candidate was tried at before.

    Args:
        budgets: at which candidates may be tried, all different.
        share: of all candidates that are tried, each as likely, in random order; in [0, 1].
    """
    points, weights = np.polynomial.legendre.leggauss(MOMENTS)
    found = dict.fromkeys(budgets, 0.0)
    for moment, weight in zip((points + 1) / 2, weights / 2, strict=True):
        before = share * moment  # how likely another budget was tried by then
        for budget in budgets:
            left = 1.0
            for furthest in sorted((other for other in budgets if other != budget), reverse=True):
                found[budget] += weight * left * before * epochs_to_train([budget], [furthest])
                left *= 1 - before
            found[budget] += weight * left * budget
    return found
