"""Candidates that walk up a numeric axis, such as epochs: how likely each is on the front where the axis ends.

What was measured on the way teaches the same processes that propose candidates; the front is made of the ends alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from optuna.distributions import BaseDistribution

from .choice import _often_on_front
from .encoding import Encoding
from .kernel import Kernel
from .pool import key_of
from .problem import Floats, Problem, Settings
from .worth import learned_of

Params = Mapping[str, Any]
DRAWS = 32
"""Draws of the values per set of hyperparameters: a small probability is a share of a few hundred."""


@dataclass(frozen=True)
class Look:
    """One measurement.

    Attributes:
        params: of the point that was measured.
        values: of the M objectives.
        excess: by how much each limit was missed; 0 or less meets it.
        ended: whether the point is where the axis ends, so that it may be on the front.
        seeds: what each seed measured, a list per seed with a value per objective; empty counts as one measurement.
    """

    params: Params
    values: Sequence[float]
    excess: Mapping[str, float]
    ended: bool
    seeds: Sequence[Sequence[float]] = ()


def front_chances(
    looks: Sequence[Look],
    asked: Sequence[Params],
    distributions: Mapping[str, BaseDistribution],
    largest: Sequence[bool],
    known: Callable[[Params], Mapping[int | str, float]] = lambda params: {},
    settings: Settings | None = None,
) -> Floats:
    """Return the probability of a place on the front of each point in ``asked``, ``(A,)`` in [0, 1].

    The front is that of what the asked points and the looks that ended are worth, without noise. The same looks and points
    give the same numbers, in whatever order they come.

    Args:
        looks: what was measured, at least one.
        asked: points where the axis ends that were not measured.
        distributions: of every parameter.
        largest: per objective, whether it is to be large.
        known: returns what is known of a point before it is measured: objectives by number, amounts of limits by name.
        settings: how much is computed.
    """
    settings = replace(settings or Settings(), draws=DRAWS)
    told = sorted(looks, key=lambda one: (key_of(one.params), list(one.values)))
    others = sorted({key_of(one): one for one in asked}.items())
    params = [*(one.params for one in told), *(one for _, one in others)]
    encoding = Encoding(distributions)
    limits = sorted({name for one in told for name in one.excess})
    before = [known(one) for one in params]
    problem = Problem(
        points=encoding.points(params),
        values=np.array([one.values for one in told], dtype=float),
        largest=tuple(largest),
        running=(),
        known=_table(before, range(len(largest))),
        excess=_table([one.excess for one in told], limits),
        known_excess=_table(before, limits),
        replicates=_replicates(told),
    )
    rows = [place for place, one in enumerate(told) if one.ended] + list(range(len(told), len(params)))
    random = torch.Generator().manual_seed(int.from_bytes(problem.content[:7], "big"))
    worth, feasible = learned_of(problem, Kernel(len(encoding.categories), len(encoding.numeric)), settings).draw(
        torch.tensor(rows), random
    )
    often = _often_on_front(worth, feasible)[len(rows) - len(others) :]
    found = dict(zip((key for key, _ in others), often, strict=True))
    return np.array([found[key_of(one)] for one in asked], dtype=float)


def _table(rows: Sequence[Mapping[Any, float]], names: Sequence[Any]) -> Floats:
    found = [[row.get(name, np.nan) for name in names] for row in rows]
    return np.array(found, dtype=float).reshape(len(rows), len(names))


def _replicates(told: Sequence[Look]) -> Floats | None:
    shapes = {np.shape(one.seeds) for one in told}
    return np.array([one.seeds for one in told], dtype=float) if len(shapes) == 1 and len(shapes.pop()) == 2 else None
