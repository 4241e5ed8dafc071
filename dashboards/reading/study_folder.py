"""Reads what a study left in its folder, and nothing else: the pages work beside a running sweep and long after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboards.reading.study_file import read_plain_study
from prune_core.base.errors import BadInput
from prune_core.base.limits import MOST_BINS
from prune_core.metrics import Direction
from prune_core.metrics.quantities import direction_of, known_here, quantity_of
from prune_core.metrics.quantity import Quantity
from sweeps.folder.columns import read_columns
from sweeps.folder.paths import RECORDS, STUDY
from sweeps.front.image_noise import ImageNoise
from sweeps.front.recommended import Recommended, recommended_of
from sweeps.front.seed_differences import repeated
from sweeps.records.control import control_rows
from sweeps.search.live_table import has_newer_trials, live_records
from sweeps.search.whole_table import whole_table
from sweeps.study.deciding import deciding_column, deciding_columns
from sweeps.study.sections import EvaluationSection
from sweeps.study.values import PRIMARY_METRICS, Limit, parse_limit

_IDENTITY = ("key", "arm", "network", "method", "ratio", "seed", "budget", "status", "cause", "mlflow_run_id")
_NUMBERS = ("ratio", "seed", "budget")
_SORTED = ["network", "arm", "ratio", "budget", "seed", "key"]
_DEFAULT_OBJECTIVES: dict[str, Direction] = {"accuracy": "max", "ece": "min", "mpc": "max", "nonzero_parameters": "min"}


@dataclass(frozen=True)
class StudyFolder:
    """A study as its folder tells it.

    Attributes:
        path: the output folder.
        plain: the resolved study, as plain data.
        records: the table of records; empty while there is none.
        quantities: the metrics and costs that the folder tells of, those of plugins that are not at hand among them.
    """

    path: Path
    plain: Mapping[str, Any]
    records: pd.DataFrame
    quantities: tuple[Quantity, ...] = ()

    def columns_known(self) -> AbstractContextManager[None]:
        """Make its metrics and costs known, with their titles, formats and directions, until the block ends."""
        return known_here(self.quantities)

    @cached_property
    def images(self) -> ImageNoise:
        """What the choice of base images adds to the numbers."""
        return ImageNoise(self.path)

    @cached_property
    def controls(self) -> NDArray[np.int64]:
        """For each record, the row of the control that its differences are against, ``(N,)``; -1 where there is none."""
        return control_rows(self.records)

    @cached_property
    def repeated(self) -> NDArray[np.bool_]:
        """Which records judge the very network of another seed, ``(N,)``: one observation, not several."""
        return repeated(self.records)

    @property
    def title(self) -> str:
        """What the study calls itself."""
        return str(self.plain.get("title") or self.plain.get("name") or self.path.name)

    @property
    def demonstration(self) -> bool:
        """Whether the study draws no verdicts."""
        return bool(self.plain.get("demonstration", False))

    @property
    def corruption_set(self) -> str:
        """What the corrupted report images are called, as the records say; empty where none were judged."""
        if "corruption_set" not in self.records:
            return ""
        return ", ".join(sorted(self.records["corruption_set"].dropna().astype(str).unique()))

    @property
    def ece_bins(self) -> int:
        """The bins of every ECE of the records.

        Raises:
            BadInput: the study file says something else than a number of bins.
        """
        bins = self.plain.get("evaluation", {}).get("ece_bins", EvaluationSection.model_fields["ece_bins"].default)
        if isinstance(bins, int) and not isinstance(bins, bool) and 1 <= bins <= MOST_BINS:
            return bins
        raise BadInput(
            f"{self.path / 'study.yaml'}: evaluation.ece_bins: {bins!r} (allowed: whole numbers from 1 to {MOST_BINS:,})"
        )

    @property
    def select_on(self) -> str:
        """Which images decide: ``validation`` or ``report``."""
        return str(self.plain.get("select_on", "validation"))

    @property
    def objectives(self) -> dict[str, Direction]:
        """Metric or cost -> direction, as the study names them."""
        return objectives_of(self.plain.get("objectives"))

    @property
    def decisive(self) -> dict[str, Direction]:
        """The columns that decide who is on the front."""
        return deciding_columns(self.objectives, self.records.columns, self.select_on)

    @property
    def classes(self) -> int | None:
        """How many classes the data has; None where the run did not write it down (version 0.1.0)."""
        facts = (self.plain.get("provenance") or {}).get("data")
        count = facts.get("classes") if isinstance(facts, Mapping) else None
        return count if type(count) is int and count > 0 else None

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the classes of the data are called, label by label; empty where the run did not write it down."""
        facts = (self.plain.get("provenance") or {}).get("data")
        names = facts.get("class_names") if isinstance(facts, Mapping) else None
        return tuple(map(str, names)) if isinstance(names, list) else ()

    def recommended(self, shown: Sequence[str] = ()) -> Recommended:
        """Return the recommended network; its row has the columns ``shown`` besides those that decided."""
        return recommended_of(
            self.records,
            self.objectives,
            seeds=self.seeds,
            limits=self.limits,
            margins=self.margins,
            select_on=self.select_on,
            shown=shown,
        )

    @property
    def limits(self) -> list[Limit]:
        """The demands on winners.

        Raises:
            BadInput: a limit cannot be read.
        """
        try:
            return [parse_limit(str(text)) for text in self.plain.get("limits") or []]
        except ValueError as error:
            raise BadInput(f"{self.path / STUDY}: limits: {error}") from error

    @property
    def evaluation(self) -> Mapping[str, Any]:
        """How networks are judged, as the study says: which images, under which corruptions."""
        found = self.plain.get("evaluation")
        return found if isinstance(found, Mapping) else {}

    @property
    def asked(self) -> list[str]:
        """The report columns of the study's objectives and limits: they are shown wherever candidates are."""
        names = [*self.objectives, *(limit.column for limit in self.limits)]
        return list(dict.fromkeys(name.removeprefix("val_") for name in names))

    @property
    def decisive_limits(self) -> list[Limit]:
        """The demands on the columns that decide."""
        return [
            Limit(deciding_column(limit.column, self.records.columns, self.select_on), limit.comparison, limit.value)
            for limit in self.limits
        ]

    @property
    def margins(self) -> dict[str, float]:
        """How much of a metric may be lost against the control: column -> amount, as declared before the run.

        Raises:
            BadInput: a margin is no number.
        """
        given = self.plain.get("margins")
        try:
            return {str(name): float(amount) for name, amount in given.items()} if isinstance(given, Mapping) else {}
        except (TypeError, ValueError) as error:
            raise BadInput(f"{self.path / STUDY}: margins: {error}") from error

    @property
    def primary(self) -> tuple[str, ...]:
        """In which metrics the recommended networks' differences to their controls are the study's primary claims."""
        return tuple(self.plain.get("primary") or PRIMARY_METRICS)

    @property
    def seeds(self) -> list[int] | None:
        """The seeds of a complete candidate; None where the study does not say."""
        seeds = self.plain.get("seeds")
        return [int(seed) for seed in seeds] if isinstance(seeds, list) and seeds else None

    @property
    def of_own_seeds(self) -> NDArray[np.bool_]:
        """Which records are of the study's seeds: those that every candidate has, extra seeds of single ones left out."""
        if self.seeds is None:
            return np.ones(len(self.records), dtype=bool)
        return self.records["seed"].isin(self.seeds).to_numpy(dtype=bool)


def objectives_of(given: object) -> dict[str, Direction]:
    """Return objectives from a mapping or a list of names; the default ones where none are given."""
    if isinstance(given, Mapping) and given:
        return {str(name): "max" if str(way).startswith("max") else "min" for name, way in given.items()}
    if isinstance(given, list) and given:
        return {str(name): direction_of(str(name)) for name in given}
    return dict(_DEFAULT_OBJECTIVES)


def read_study_folder(path: Path) -> StudyFolder:
    """Read a study's folder: its table of records, or the trials' folders where they have gone on since it was written.

    Raises:
        BadInput: the folder is not there, is not a study's, or a file in it cannot be read.
    """
    if not path.is_dir():
        raise BadInput(f"{path}: no such folder (expected the output folder of a study)")
    plain, quantities = read_plain_study(path / STUDY), tuple(read_columns(path))
    with known_here(quantities):
        written = read_records(path)
        found = live_records(path, written) if has_newer_trials(path) else None
    records = written if found is None else found.sort_values(_SORTED, ignore_index=True)
    # a copy is in one piece: made column by column it is slow, and pandas warns of that wherever a column is added
    return StudyFolder(path=path, plain=plain, records=records.copy(), quantities=quantities)


def read_records(path: Path) -> pd.DataFrame:
    """Return the table of records of a study's folder, empty if there is none yet.

    Raises:
        BadInput: the file is damaged or lacks the columns that identify a record.
    """
    file = path / RECORDS
    if not file.is_file():
        return pd.DataFrame(
            {name: pd.Series(dtype="float64" if name in ("ratio", "seed", "budget") else "object") for name in _IDENTITY}
        )
    table = whole_table(path)
    missing = [name for name in _IDENTITY[:8] if name not in table.columns]
    if missing:
        raise BadInput(f"{file}: lacks the columns {', '.join(missing)}: written by another version? Run the study again")
    return _typed(table, file).sort_values(_SORTED, ignore_index=True)


def _typed(table: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Return the table with its numbers as numbers, whatever wrote it; names as text, and all optional columns there.

    Raises:
        BadInput: a number that identifies a record, or a metric, is none.
    """
    known = {name: quantity_of(str(name)) for name in table}
    measured = [name for name, one in known.items() if one is not None and not one.is_text]
    for name in (*_NUMBERS, *measured):
        try:
            table[name] = pd.to_numeric(table[name]).replace([np.inf, -np.inf], np.nan)
        except (TypeError, ValueError) as error:
            raise BadInput(f"{file}: column {name}: {error}: written by another version? Run the study again") from error
    lacking = [name for name in _NUMBERS if table[name].isna().any()]
    if lacking:
        raise BadInput(f"{file}: records without {lacking[0]}: written by another version? Run the study again")
    for name in _IDENTITY[8:]:
        if name not in table:
            table[name] = None
    names = [name for name in _IDENTITY[:8] if name not in _NUMBERS]
    return table.astype({"seed": "int64", "budget": "int64", **dict.fromkeys(names, "str")})
