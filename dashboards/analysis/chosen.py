"""The numbers of a candidate that was chosen: their intervals know by what, by how much, and among whom it was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboards.analysis.claims import Array, Chosen, measured
from dashboards.analysis.per_seed import DELTA, seed_measured
from dashboards.reading.study_folder import StudyFolder
from prune_core.metrics import Direction
from prune_core.metrics.quantities import is_cost
from sweeps.front.crossed import crossed
from sweeps.front.winner import winner
from sweeps.study.values import Limit


@dataclass(frozen=True)
class Choice:
    """How a candidate was chosen.

    Attributes:
        rows: all that qualified.
        row: the chosen one, a row of ``rows``.
        demands: what they had to meet, as comparisons of means.
        column: what decided among those that met it.
        direction: which way.
    """

    rows: pd.DataFrame
    row: Any
    demands: Sequence[Limit]
    column: str
    direction: Direction


def chosen_numbers(study: StudyFolder, choice: Choice, columns: Sequence[str]) -> dict[str, Chosen]:
    """Return a chosen candidate's numbers (a metric, or ``delta_*``: its difference to its control), where there are any."""
    names = list(dict.fromkeys([*columns, choice.column, *(demand.column for demand in choice.demands)]))
    values, noise = seed_measured(study, choice.rows, names)
    at = list(choice.rows.index).index(choice.row.Index)
    networks = choice.rows["network"].to_numpy(dtype=str)

    # What a candidate costs says nothing about the luck of its metrics.
    sign = (1.0 if choice.direction == "max" else -1.0) if not is_cost(choice.column) else 0.0
    found = {}
    for name in columns:
        place = names.index(name)
        one = chosen(
            values[:, :, place],
            noise[:, :, place],
            at,
            sign * values[:, :, names.index(choice.column)] if sign else None,
            networks=networks,
            same_images=_same(name, choice.column),
            demands=[
                (_sign(each) * values[:, :, names.index(each.column)], _sign(each) * each.value, _same(name, each.column))
                for each in choice.demands
            ],
        )
        if one is not None:
            found[name] = one
    return found


def chosen(
    values: Array,
    noise: Array | None,
    at: int,
    selection: Array | None,
    *,
    networks: NDArray[np.str_] | None = None,
    same_images: bool = False,
    demands: Sequence[tuple[Array, float, bool]] = (),
) -> Chosen | None:
    """Return a number of the chosen candidate, of those that qualified; the arguments are those of `winner`."""
    family = crossed(values, noise)
    one = measured(family, at)
    if one is None:
        return None
    found = winner(values, selection, at, networks=networks, same_images=same_images, demands=demands, family=family)
    return Chosen(one.mean, one.error, one.seeds, one.images, one.freedom, found)


def _same(name: str, other: str) -> bool:
    """Return whether two columns are one metric on the same images, the control aside."""
    return name.removeprefix(DELTA) == other.removeprefix(DELTA)


def _sign(demand: Limit) -> float:
    return 1.0 if demand.comparison.startswith(">") else -1.0
