"""What every key of a study file means: read from the model and the registries, so never out of date."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from prune_core.base.recipe import Recipe
from prune_core.corruptions import CORRUPTIONS, GROUPS
from prune_core.data import DATASETS, source_of
from prune_core.metrics.quantities import costs_known, metrics_known, title_of
from prune_core.metrics.quantity import Quantity
from prune_core.networks import NETWORKS
from prune_core.networks.registry import TORCHVISION
from prune_core.pruning import METHODS
from sweeps.samplers import SAMPLERS
from sweeps.stopping_rules import STOPPING_RULES
from sweeps.study.images import images_of
from sweeps.study.model import NOTES, Study
from sweeps.study.objectives import is_report_number

RECIPE = "training"
"""The key below which the keys of a training recipe are listed; they are the same wherever a recipe stands."""
REQUIRED = "required"
"""What stands in place of a default where a key has to be given."""
_NOTES_MEANING = (
    "not read: a place for what the file repeats; `x-common: &common {...}` here, `<<: *common` in a section takes its keys"
)


def key_rows() -> list[tuple[str, str, str, list[str]]]:
    """Return (path, meaning, default, names that it takes) of every key of a study file; ``required`` is a default too.

    Names that a plugin has filed by now are among them.
    """
    rows, names = [*_rows(Study, ""), (f"{NOTES}NAME", "", _NOTES_MEANING)], known_names()
    return [(path, meaning, default, names.get(path, [])) for path, default, meaning in rows]


def key_lines() -> list[str]:
    """Return a line per key of a study file: its path, meaning and default, and the names that it takes."""
    rows = key_rows()
    width = max(len(path) for path, *_ in rows)
    return [f"{path:<{width}}  {meaning}{_said(default)}{_allowed(names)}" for path, meaning, default, names in rows]


def known_names() -> dict[str, list[str]]:
    """Return what can be named, shipped or of a plugin, by the key of the study file that names it."""
    datasets = [f"{name}:{argument}" if (argument := source_of(name).argument) else name for name in DATASETS]
    return {
        "data.name": datasets,
        "networks.LABEL.name": [*NETWORKS, f"{TORCHVISION}NAME"],
        "arms.N.methods": [*METHODS],
        "evaluation.corruptions": [*GROUPS, *CORRUPTIONS],
        "evaluation.selection_corruptions": [*GROUPS, *CORRUPTIONS],
        "search.sampler": [*SAMPLERS],
        "search.early_stopping": [*STOPPING_RULES],
    }


def _allowed(names: list[str]) -> str:
    return f" (names: {', '.join(names)})" if names else ""


def column_rows(evaluation: Mapping[str, Any] | None = None) -> list[tuple[str, str]]:
    """Return every column of a record with what it is, its unit, which side is better, its images, and who may name it.

    Those of plugins that were imported before are among them.

    Args:
        evaluation: that section of a study, whose corruptions are named; None says which key names them.
    """
    known = [*metrics_known(), *(cost for cost in costs_known() if cost.recorded)]
    return [(column, _column_words(one, column, evaluation)) for one in known for column in one.columns]


def column_lines(evaluation: Mapping[str, Any] | None = None) -> list[str]:
    """Return `column_rows` as lines."""
    rows = column_rows(evaluation)
    width = max(len(name) for name, _ in rows)
    return [f"{name:<{width}}  {meaning}" for name, meaning in rows]


def _column_words(one: Quantity, column: str, evaluation: Mapping[str, Any] | None) -> str:
    side = {"max": "higher is better", "min": "lower is better", None: "neither side is better"}[one.direction]
    unit = f", {one.unit}" if one.unit not in ("", "1") else ""
    images = images_of(column, evaluation)
    said = [f"{title_of(column)} ({one.group}{unit}): {side}", *([images] if images else [])]
    return "; ".join([*said, _named_by(one, column)])


def _named_by(one: Quantity, column: str) -> str:
    """Who may name a column, where validation images choose."""
    if one.is_text:
        return "shown, not compared"
    objective = one.direction is not None
    if not is_report_number(column):
        return "limits and objectives" if objective else "limits"
    selection = f"val_{column}"
    if selection not in one.columns:
        return f"only with select_on: report; else use val_{one.name}"
    return f"limits must name {selection}" + ("; objectives may name either" if objective else "")


def _rows(model: type[BaseModel], prefix: str) -> list[tuple[str, str, str]]:
    rows = []
    for name, field in model.model_fields.items():
        inner, step = _section(field.annotation)
        rows.append((f"{prefix}{name}", _default(field.default, inner), field.description or ""))
        if f"{prefix}{name}" == RECIPE:
            rows += _recipe_rows()
        if inner is not None:
            rows += _rows(inner, f"{prefix}{name}.{step}")
    return rows


def _recipe_rows() -> list[tuple[str, str, str]]:
    """The keys of a training recipe, which is no section of the model but plain data that `Recipe` checks."""
    said = (inspect.getdoc(Recipe) or "").partition("Attributes:\n")[2].partition("\n\n")[0]
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", said, re.MULTILINE)
    meanings = {name: " ".join(text.split()).replace("``", "").rstrip(".") for name, text in entries}
    return [(f"{RECIPE}.{one.name}", _default(one.default, None), meanings[one.name]) for one in dataclasses.fields(Recipe)]


def _section(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """The section inside an annotation, and how a path goes into it: by label, by position, or directly."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    found = next((inner for part in get_args(annotation) if (inner := _section(part)[0]) is not None), None)
    step = "LABEL." if get_origin(annotation) is dict else "N." if get_origin(annotation) is tuple else ""
    return found, step if found is not None else ""


def _default(value: Any, inner: type[BaseModel] | None) -> str:
    if value is PydanticUndefined:
        return REQUIRED
    if inner is not None or value is None or value == () or value == {} or value == "":
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _said(default: str) -> str:
    return f" ({default})" if default == REQUIRED else f" (default {default})" if default else ""
