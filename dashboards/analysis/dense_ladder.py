"""A pruned network against the dense ladder: smaller networks trained as they are, which pruning has to beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dashboards.analysis.claims import Array, Paired, paired
from dashboards.analysis.per_seed import seed_measured
from dashboards.analysis.points import Points
from dashboards.reading.study_folder import StudyFolder

COST = "nonzero_parameters"


def has_ladder(points: Points) -> bool:
    """Return whether the study trained a dense ladder that is complete somewhere."""
    return bool(points.complete["method"].eq("dense").any())


def against_ladder(study: StudyFolder, points: Points, row: Any, columns: Sequence[str]) -> dict[str, Paired] | None:
    """Return a candidate's differences to a dense network of as many parameters, by column.

    The dense network is interpolated, for each seed, linearly in the logarithm of the parameters between neighbouring steps
    of the ladder, the unpruned network being its top step; never extrapolated.

    Returns:
        None where the study has no ladder, or none that reaches this size.
    """
    steps = _steps(study, points, str(row.network))
    if steps is None:
        return None
    names = [COST, *columns]
    ladder, ladder_noise = seed_measured(study, steps, names)
    own, own_noise = seed_measured(study, pd.DataFrame([row._asdict()]), names)
    gaps: list[Array] = []
    moved: list[Array] = []
    for seed in range(ladder.shape[1]):
        # The same weights of the same steps interpolate the metrics and what the images do to them.
        weights = _weights(ladder[:, seed], own[0, seed, 0])
        if weights is not None:
            here = weights > 0
            gaps.append(own[0, seed, 1:] - weights[here] @ ladder[here, seed, 1:])
            moved.append(own_noise[0, seed, 1:] - np.einsum("k,kmr->mr", weights[here], ladder_noise[here, seed, 1:]))
    if not gaps:
        return None
    values, noise = np.array(gaps), np.array(moved)
    pairs = {name: paired(values[:, place], noise[:, place]) for place, name in enumerate(columns)}
    found = {name: one for name, one in pairs.items() if one is not None}
    return found or None


def _steps(study: StudyFolder, points: Points, network: str) -> pd.DataFrame | None:
    """Return the ladder of a network: the dense ones of its own architecture where there are some, else all of them."""
    table = points.complete
    dense = table[table["method"].eq("dense")]
    if not len(dense):
        return None
    own = _architecture(study.plain.get("networks"), network)
    same = dense[[_architecture(study.plain.get("dense"), str(name)) == own for name in dense["network"]]]
    top = table[table["method"].eq("baseline") & table["network"].eq(network) & table["arm"].eq(network)]
    return pd.concat([same if len(same) else dense, top])


def _architecture(section: object, label: str) -> str:
    entry = section.get(label) if isinstance(section, Mapping) else None
    return str((entry.get("name") if isinstance(entry, Mapping) else None) or label)


def _weights(steps: Array, cost: float) -> Array | None:
    """Return the weight of each of ``(K, 1 + M)`` steps, cost first, in a dense network of one cost; None beyond them."""
    known = np.flatnonzero(np.isfinite(steps).all(axis=1))
    known = known[np.argsort(steps[known, 0])]
    if len(known) < 2 or not steps[known[0], 0] <= cost <= steps[known[-1], 0]:
        return None
    result = np.zeros(len(steps))
    result[known] = [np.interp(np.log(cost), np.log(steps[known, 0]), one) for one in np.eye(len(known))]
    return result
