"""A pruned network against the dense ladder: smaller networks trained as they are, which pruning has to beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dashboards.claims import Array, Paired, paired
from dashboards.points import Points
from dashboards.study_folder import StudyFolder
from sweeps.pareto import seed_values

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
    ladder, _ = seed_values(study.records, steps, names)
    own, _ = seed_values(study.records, pd.DataFrame([row._asdict()]), names)
    differences: dict[str, list[float]] = {name: [] for name in columns}
    for seed in range(ladder.shape[1]):
        at = _interpolated(ladder[:, seed], own[0, seed, 0])
        if at is not None:
            for place, name in enumerate(columns):
                differences[name].append(float(own[0, seed, place + 1] - at[place]))
    found = {name: one for name in columns if (one := paired(differences[name])) is not None}
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


def _interpolated(steps: Array, cost: float) -> Array | None:
    """Return the metrics of a dense network of one cost from ``(K, 1 + M)`` steps, the cost first; None beyond them."""
    known = steps[np.isfinite(steps).all(axis=1)]
    known = known[np.argsort(known[:, 0])]
    if len(known) < 2 or not known[0, 0] <= cost <= known[-1, 0]:
        return None
    size = np.log(known[:, 0])
    return np.array([np.interp(np.log(cost), size, known[:, place]) for place in range(1, known.shape[1])])
