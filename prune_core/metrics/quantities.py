"""Every metric and cost that is known here, by column: registered ones, and those that a study's folder tells of.

A page may be built where the plugin that measured a column is not at hand: `known_here` makes the facts that the run wrote
into the folder known for as long as that folder is read. What is registered in this process wins over what a folder says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import prune_core.metrics  # noqa: F401  (registers the shipped ones)
from prune_core.base.errors import UnknownName
from prune_core.metrics.costs import COSTS
from prune_core.metrics.quantity import Direction, Quantity
from prune_core.metrics.registry import METRICS

WITHOUT_JPEG = Quantity(
    name="mpc_without_jpeg",
    title="mPC without jpeg_compression",
    on="set",
    direction="max",
    unit="fraction",
    low=0.0,
    high=1.0,
    format="percent",
    group="robustness",
    order=42,
    table=False,
    headline=False,
    panel=False,
    tracked=False,
)
"""Of JPEG re-encoded images: a number about a set of images, so no metric that is computed everywhere."""

_TOLD: ContextVar[Mapping[str, Quantity] | None] = ContextVar("quantities of the folder that is read", default=None)


@contextmanager
def known_here(told: Iterable[Quantity]) -> Iterator[None]:
    """Make metrics and costs known that a study's folder tells of, in this thread and until the block ends."""
    token = _TOLD.set({one.name: one for one in told})
    try:
        yield
    finally:
        _TOLD.reset(token)


def metrics_known() -> list[Quantity]:
    """Return every recorded metric: registered ones in the order of registration, then those of the folder."""
    found = [METRICS.get(name).facts for name in METRICS] + [one for one in _told() if not one.is_cost and one.on != "set"]
    return [one for one in found if one.recorded]


def costs_known() -> list[Quantity]:
    """Return every cost, in the order in which they stand; those that two runs measure alike first."""
    found = [COSTS.get(name).facts for name in COSTS] + [one for one in _told() if one.is_cost]
    return sorted(found, key=lambda one: (not one.repeatable, one.order))


def quantities_known() -> list[Quantity]:
    """Return metrics and costs in the order in which tables show them: metrics first."""
    return [*sorted([*metrics_known(), WITHOUT_JPEG], key=lambda one: one.order), *costs_known()]


def quantity_of(column: str) -> Quantity | None:
    """Return the metric or cost that a column holds (``delta_val_ece_t``, ``mpc_s3``, ``accuracy_std``); None for none."""
    whole = column.removeprefix("delta_").removesuffix("_std")
    name = whole.removeprefix("val_").removeprefix("train_")
    head, _, severity = name.rpartition("_s")
    stems = (whole, name, name.removesuffix("_t"), head if severity.isdigit() else name)
    return next((found for stem in stems if (found := _named(stem)) is not None), None)


def direction_of(column: str) -> Direction:
    """Return the direction of a metric's or a cost's column, those of plugins included.

    Raises:
        UnknownName: no column of that name has a better side.
    """
    known = directions()
    if column not in known:
        raise UnknownName("objective", column, known)
    return known[column]


def directions() -> dict[str, Direction]:
    """Return ``{column: "max" | "min"}``; columns that have no better side (temperature, mean confidence) are left out."""
    pairs = [(column, one) for one in (*metrics_known(), *costs_known()) if one.recorded for column in one.columns]
    return {column: one.direction for column, one in pairs if one.direction is not None}


def title_of(column: str) -> str:
    """Return what a column is called: the title of its metric or cost, and whether it is after temperature scaling."""
    found = quantity_of(column)
    name = column.removeprefix("delta_").removesuffix("_std").removeprefix("val_")
    if found is None:
        return name.replace("_", " ")
    scaled = found.after_temperature and name == f"{found.name}_t"
    return f"{found.title} after temperature scaling" if scaled else found.title


def is_cost(column: str) -> bool:
    """Return whether a column holds a cost that two runs measure alike."""
    found = _named(column)
    return found is not None and found.is_cost and found.repeatable


def _named(name: str) -> Quantity | None:
    if name in METRICS:
        return METRICS.get(name).facts
    if name in COSTS:
        return COSTS.get(name).facts
    return WITHOUT_JPEG if name == WITHOUT_JPEG.name else (_TOLD.get() or {}).get(name)


def _told() -> list[Quantity]:
    return [one for one in (_TOLD.get() or {}).values() if one.name not in METRICS and one.name not in COSTS]
