"""Which images, under which corruptions, a column of a study is measured on: said wherever a number of it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prune_core.base.benchmark import EXTRA, GROUPS, STANDARD, corruptions_in_words
from prune_core.metrics.quantities import quantity_of

REPORT_IMAGES, SELECTION_IMAGES, TRAINING_IMAGES = "test images", "validation images", "training images"


def images_of(column: str, evaluation: Mapping[str, Any] | None = None) -> str:
    """Return what a column is measured on, in words; empty for a cost, which needs no images.

    Args:
        column: of a record, also ``delta_*``.
        evaluation: that section of a resolved study as plain data; None for what holds for every study.
    """
    found = quantity_of(column)
    if found is None or found.is_cost:
        return ""
    name = column.removeprefix("delta_")
    if name.startswith("train_"):
        return TRAINING_IMAGES
    selects = name.startswith("val_")
    images = SELECTION_IMAGES if selects else REPORT_IMAGES
    if not is_corrupted(column):
        return images
    if evaluation is None:
        return f"{images} under evaluation.{'selection_corruptions' if selects else 'corruptions'}"
    return f"{images} under {corruptions_in_words((selection_names if selects else report_names)(evaluation))}"


def is_corrupted(column: str) -> bool:
    """Return whether a column is measured on corrupted images."""
    found = quantity_of(column)
    return found is not None and (found.needs_corruptions or found.on == "set")


def selection_names(evaluation: Mapping[str, Any]) -> Sequence[str]:
    """Return the corruptions of the validation images; a study of before they could be chosen has the four extra ones."""
    found = evaluation.get("selection_corruptions")
    return _names(found) if isinstance(found, list | tuple) and found else EXTRA


def report_names(evaluation: Mapping[str, Any]) -> Sequence[str]:
    """Return the corruptions of the test images."""
    found = evaluation.get("corruptions")
    return _names(found) if isinstance(found, list | tuple) else STANDARD


def _names(found: Sequence[Any]) -> list[str]:
    return list(dict.fromkeys(name for each in map(str, found) for name in GROUPS.get(each, (each,))))
