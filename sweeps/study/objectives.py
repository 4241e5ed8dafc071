"""The columns that a study decides by: objectives with their directions, limits, margins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prune_core.base.errors import BadInput, UnknownName
from prune_core.metrics import Direction
from prune_core.metrics.columns import metric_columns
from prune_core.metrics.quantities import WITHOUT_JPEG, costs_known, direction_of, metrics_known, quantity_of
from sweeps.study.deciding import REPORT, deciding_column
from sweeps.study.errors import naming_key, unknown_key
from sweeps.study.images import REPORT_IMAGES, SELECTION_IMAGES, TRAINING_IMAGES, images_of, is_corrupted
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


def is_report_number(column: str) -> bool:
    """Return whether a column is measured on the report images: what may not decide anything, unless `select_on` says so."""
    return images_of(column).startswith(REPORT_IMAGES)


def check_columns(study: Study, objectives: dict[str, Direction]) -> None:
    """Check that objectives, limits and margins name columns that there will be, and that may decide.

    Raises:
        BadInput: the key, what is wrong, what is allowed.
    """
    known = demandable_columns()
    able = [column for column in known if study.select_on == REPORT or not is_report_number(column)]
    for position, text in enumerate(study.limits):
        column = parse_limit(text).column
        with naming_key(f"limits.{position}"):
            if column not in able and column in (*known, WITHOUT_JPEG.name):
                raise BadInput(_selection_instead(study, column, known, "limits choose winners"))
            if column not in known:
                raise UnknownName("column", column, able)
            _check_measured(study, column)
    for column in study.margins:
        if column not in known:
            raise BadInput(f"margins: {unknown_key(column, known)}")
    with naming_key("objectives"):
        for name in objectives:  # of `accuracy` they read val_accuracy; a severity has no selection number
            column = deciding_column(name, known, study.select_on)
            if column not in able and column in known:
                raise BadInput(_selection_instead(study, name, known, "objectives choose networks"))
            _check_measured(study, column)


def _selection_instead(study: Study, column: str, known: list[str], why: str) -> str:
    """Say that a report number cannot decide, and what can instead."""
    evaluation, found = study.evaluation.model_dump(mode="json"), quantity_of(column)
    instead = f"val_{column}"
    if instead not in known:  # a severity, or a number about a set of images
        instead = f"val_{found.name if found is not None and found.on != 'set' else 'mpc'}"
    allowed = f"{instead}, of {images_of(instead, evaluation)}"
    if is_corrupted(instead):
        allowed += "; evaluation.selection_corruptions chooses others, [standard] the benchmark's"
    of = images_of(column, evaluation)
    return f"{column} is a report number ({of}); {why}, so they read selection numbers (allowed: {allowed})"


def _check_measured(study: Study, column: str) -> None:
    """Raise where a study never measures a column: nothing could ever meet a limit on it."""
    if is_corrupted(column) and study.evaluation.corruptions == "none":
        raise BadInput(f"{column} needs corruptions (allowed: evaluation.corruptions generated, official, or a list)")
    if images_of(column).startswith(SELECTION_IMAGES) and study.data.validation == 0:
        raise BadInput(f"{column} needs validation images (allowed: data.validation from 1)")
    if images_of(column) == TRAINING_IMAGES and study.evaluation.train_images == 0:
        raise BadInput(f"{column} needs training images to judge (allowed: evaluation.train_images from 1)")
