"""Candidates where none are given: drawn from the parameters that finished trials had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution

Params = Mapping[str, Any]
NEAR = 0.1
"""Standard deviation of a step from a value that was tried, as a share of the range."""


def key_of(params: Params) -> str:
    """Return a text that is the same for the same parameters."""
    return repr(sorted(params.items()))


def drawn_pool(
    tried: Sequence[Params], space: Mapping[str, BaseDistribution], count: int, random: np.random.Generator
) -> list[Params]:
    """Return candidates that differ: each starts from a finished trial, and some of its values are drawn anew.

    A categorical value that some parameters depend on is exchanged together with them: the candidate takes all parameters
    that a finished trial with that value had.

    Args:
        tried: parameters of finished trials.
        space: distributions by name.
        count: how many, at most.
        random: numpy's generator.
    """
    found: dict[str, Params] = {}
    for _ in range(2 * count if tried else 0):
        template = tried[int(random.integers(len(tried)))]
        near = bool(random.random() < 0.3)
        drawn: dict[str, Any] = {}
        for name in sorted(template):
            if random.random() < (0.5 if near else 0.2) or _decides(name, tried):
                drawn[name] = template[name]
            else:
                drawn[name] = _drawn(space[name], template[name] if near else None, random)
        found.setdefault(key_of(drawn), drawn)
        if len(found) == count:
            break
    return list(found.values())


def _decides(name: str, tried: Sequence[Params]) -> bool:
    """Return whether trials with different values of a parameter had different parameters beside it."""
    beside: dict[str, set[str]] = {}
    for params in tried:
        if name in params:
            beside.setdefault(repr(params[name]), set()).update(params)
    return len({frozenset(names) for names in beside.values()}) > 1


def _drawn(distribution: BaseDistribution, near: Any, random: np.random.Generator) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[int(random.integers(len(distribution.choices)))]
    low, high, log = float(distribution.low), float(distribution.high), bool(distribution.log)
    low_, high_ = (np.log(low), np.log(high)) if log else (low, high)
    if near is None:
        at = low_ + random.random() * (high_ - low_)
    else:
        middle = np.log(near) if log else float(near)
        at = float(np.clip(middle + NEAR * (high_ - low_) * random.normal(), low_, high_))
    value = float(np.exp(at)) if log else float(at)
    step = distribution.step
    if step is not None:
        value = low + round((value - low) / step) * step
    value = min(high, max(low, value))
    return int(value) if isinstance(distribution.step, int) and type(distribution.low) is int else value
