"""Numbers of rows beside a candidate's own: what it measured on the way, and its means over extra seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sweeps.samplers import COUNT
from sweeps.search.measured import Measured

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

ALONG = "prunefront.along"
"""What a candidate measured at each budget that it came by: ``budget``, ``values``, ``seeds`` and ``constraints`` each."""


def along_the_way(
    values: Mapping[str, float] | None,
    columns: Sequence[str],
    constraints: Callable[[Mapping[str, float]], dict[str, float]],
) -> dict[str, Any]:
    """Return what was measured on the way as an attribute of a row; none where a candidate does not walk.

    Args:
        values: what it measured in the end.
        columns: the objectives.
        constraints: returns by how much each limit is missed.
    """
    along = values.along if isinstance(values, Measured) else {}
    found = [
        {
            "budget": budget,
            "values": [one[column] for column in columns],
            "seeds": one.by_seed(columns),
            "constraints": constraints(one),
        }
        for budget, one in sorted(along.items())
    ]
    return {ALONG: found} if found else {}


def with_means(row: FrozenTrial, values: Sequence[float], constraints: Mapping[str, float], count: int) -> FrozenTrial:
    """Return a row with other means, of so many seeds."""
    from optuna.trial import create_trial

    return create_trial(
        state=row.state,
        values=list(values),
        params=row.params,
        distributions=row.distributions,
        user_attrs={**row.user_attrs, COUNT: count},
        system_attrs=dict(row.system_attrs),
        constraints=dict(constraints),
    )
