"""Reads what a study left in its folder, and nothing else: the pages work beside a running sweep and long after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboards.reading.live_records import gone_on, live_records
from dashboards.reading.study_file import read_plain_study
from prune_core.base.errors import BadInput
from prune_core.metrics.directions import COST_DIRECTIONS, direction_of, metric_of
from prune_core.metrics.registry import METRICS
from sweeps.front.front import Direction, selection_columns
from sweeps.front.image_noise import ImageNoise
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
    """

    path: Path
    plain: Mapping[str, Any]
    records: pd.DataFrame

    @cached_property
    def images(self) -> ImageNoise:
        """What the choice of base images adds to the numbers."""
        return ImageNoise(self.path)

    @cached_property
    def controls(self) -> NDArray[np.int64]:
        """For each record, the row of the control that its differences are against, ``(N,)``; -1 where there is none."""
        return control_rows(self.records)

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
        if isinstance(bins, int) and not isinstance(bins, bool) and bins >= 1:
            return bins
        raise BadInput(f"{self.path / 'study.yaml'}: evaluation.ece_bins: {bins!r} (allowed: whole numbers from 1)")

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
        return selection_columns(self.objectives, self.records.columns, self.select_on)

    @property
    def limits(self) -> list[Limit]:
        """The demands on winners.

        Raises:
            BadInput: a limit cannot be read.
        """
        try:
            return [parse_limit(str(text)) for text in self.plain.get("limits") or []]
        except ValueError as error:
            raise BadInput(f"{self.path / 'study.yaml'}: limits: {error}") from error

    @property
    def decisive_limits(self) -> list[Limit]:
        """The demands on the columns that decide: ``val_*`` of each metric where there is one."""
        known = set(self.records.columns) if self.select_on != "report" else set()
        names = {limit.column: f"val_{limit.column}" for limit in self.limits if f"val_{limit.column}" in known}
        return [Limit(names.get(limit.column, limit.column), limit.comparison, limit.value) for limit in self.limits]

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
            raise BadInput(f"{self.path / 'study.yaml'}: margins: {error}") from error

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
    plain = read_plain_study(path / "study.yaml")
    written = read_records(path)
    found = live_records(path, written) if gone_on(path) else None
    return StudyFolder(
        path=path, plain=plain, records=written if found is None else found.sort_values(_SORTED, ignore_index=True)
    )


def control_rows(records: pd.DataFrame) -> NDArray[np.int64]:
    """Return for each record the row of its control: same network, seed and budget, and the NLL that its difference names.

    A network can have several controls: slimming's own, one per rate of fine-tuning.
    """
    result = np.full(len(records), -1)
    if "delta_nll" not in records or not len(records):
        return result
    same = ["network", "seed", "budget"]
    table = records.reset_index(drop=True)
    table = table.assign(row=np.arange(len(table)), named=table["nll"].astype(float) - table["delta_nll"].astype(float))
    controls = table[table["method"].eq("control") & table["status"].eq("complete")][[*same, "row", "nll"]]
    pairs = table[[*same, "row", "named"]].dropna().merge(controls, on=same, suffixes=("", "_control"))
    near = pairs[np.isclose(pairs["named"].astype(float), pairs["nll"].astype(float), rtol=0, atol=1e-9)]
    near = near.drop_duplicates("row")
    result[near["row"].to_numpy(dtype=np.int64)] = near["row_control"].to_numpy(dtype=np.int64)
    return result


def read_records(path: Path) -> pd.DataFrame:
    """Return the table of records of a study's folder, empty if there is none yet.

    Raises:
        BadInput: the file is damaged or lacks the columns that identify a record.
    """
    file = path / "records.parquet"
    if not file.is_file():
        return pd.DataFrame(
            {name: pd.Series(dtype="float64" if name in ("ratio", "seed", "budget") else "object") for name in _IDENTITY}
        )
    try:
        table = pd.read_parquet(file)
    except (OSError, ValueError) as error:
        raise BadInput(f"{file}: cannot be read: {' '.join(str(error).split())[:200]}") from error
    missing = [name for name in _IDENTITY[:8] if name not in table.columns]
    if missing:
        raise BadInput(f"{file}: lacks the columns {', '.join(missing)}: written by another version? Run the study again")
    return _typed(table, file).sort_values(_SORTED, ignore_index=True)


def _typed(table: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Return the table with its numbers as numbers, whatever wrote it; names as text, and all optional columns there.

    Raises:
        BadInput: a number that identifies a record, or a metric, is none.
    """
    known = {name: metric_of(str(name).removeprefix("delta_")) for name in table}
    measured = [name for name, one in known.items() if name in COST_DIRECTIONS or one in METRICS]
    measured = [name for name in measured if known[name] != "worst_corruption"]  # a name among numbers
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
