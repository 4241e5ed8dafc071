"""The columns that a study decides by: objectives with their directions, limits, margins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prune_core.base.errors import BadInput, UnknownName
from prune_core.metrics import Direction
from prune_core.metrics.columns import metric_columns
from prune_core.metrics.quantities import costs_known, direction_of, metrics_known, quantity_of
from sweeps.study.deciding import deciding_column
from sweeps.study.errors import unknown_key
from sweeps.study.options import method_traits
from sweeps.study.values import parse_limit

if TYPE_CHECKING:
    from sweeps.study.model import Study


def objective_directions(value: dict[str, Any]) -> dict[str, Direction]:
    """Return the objectives with their directions; a ``val_`` before a name is taken off.

    Raises:
        ValueError: no such column, or a direction that is not the column's.
    """
    found: dict[str, Direction] = {}
    for given, wanted in value.items():
        name = str(given).removeprefix("val_")
        direction = direction_of(name)
        if wanted not in ("", None, direction):
            raise ValueError(
                f"{name} is better when {'larger' if direction == 'max' else 'smaller'}: {direction}, not {wanted!r}"
            )
        if name in found:
            raise ValueError(f"{name!r} is listed twice")
        found[name] = direction
    return found


def default_objectives(study: Study) -> dict[str, Direction]:
    """Return accuracy, ECE, mPC (where there are corruptions) and a cost: MACs if every method removes structure."""
    names = {name for arm in study.arms for name in arm.methods}
    structured = all(method_traits(name).granularity != "weights" for name in names)
    robustness = [] if study.evaluation.corruptions == "none" else ["mpc"]
    wanted = ["accuracy", "ece", *robustness, "macs" if structured else "nonzero_parameters"]
    return objective_directions(dict.fromkeys(wanted, ""))


def demandable_columns() -> list[str]:
    """Return the columns that limits and margins may name: every number that a record holds, those of plugins included."""
    texts = {column for one in metrics_known() if one.is_text for column in one.columns}
    costs = [one.name for one in costs_known() if one.recorded]
    return [column for column in (*metric_columns(), *costs) if column not in texts]


def check_columns(study: Study, objectives: dict[str, Direction]) -> None:
    """Check that objectives, limits and margins name columns that there will be, and that may decide.

    Raises:
        BadInput: the key, what is wrong, what is allowed.
    """
    known = demandable_columns()
    for position, text in enumerate(study.limits):
        column = parse_limit(text).column
        if column not in known:
            raise BadInput(f"limits.{position}: {UnknownName('column', column, known)}")
        if (deciding := deciding_column(column, known, study.select_on)) != column:
            raise BadInput(f"limits.{position}: limits choose winners, so they read selection numbers (allowed: {deciding})")
    for column in study.margins:
        if column not in known:
            raise BadInput(f"margins: {unknown_key(column, known)}")
    if study.evaluation.corruptions == "none":
        missing = [name for name in objectives if (one := quantity_of(name)) is not None and one.needs_corruptions]
        if missing:
            raise BadInput(
                f"objectives: {missing[0]} needs corruptions (allowed: evaluation.corruptions generated or official)"
            )
