"""A finished grid as ground truth for searches: what each candidate measured, by trial seed, and what that is worth.

A search is told the numbers of one trial seed; what it found is scored by the means of the other seeds, on other images
where the study has them. So nothing that steered a search is counted in its favour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from prune_core.base.errors import BadInput
from prune_core.metrics import Direction
from sweeps.folder.paths import STUDY
from sweeps.front.front import hypervolume
from sweeps.plan.plan import Plan, make_plan
from sweeps.search.asked import space_of
from sweeps.search.setup import told_columns
from sweeps.search.space import Space
from sweeps.study.deciding import REPORT
from sweeps.study.model import Study, load_study
from sweeps.study.yaml import read_study_yaml

MARGIN = 0.1
"""The reference point lies so much of an objective's range over the grid beyond its worst value."""


@dataclass(frozen=True)
class Truth:
    """Candidates with the numbers that score them.

    Attributes:
        means: one row per candidate that counts, one column per objective.
        directions: ``min`` or ``max`` for each objective.
    """

    means: pd.DataFrame
    directions: tuple[Direction, ...]

    @cached_property
    def reference(self) -> NDArray[np.float64]:
        """``(M,)``, the reference point of the hypervolume, in the objectives' own units."""
        values = self.means.to_numpy()
        largest = np.array([way == "max" for way in self.directions])
        worst = np.where(largest, values.min(axis=0), values.max(axis=0))
        return worst + np.where(largest, -1, 1) * MARGIN * self._scale

    @cached_property
    def _scale(self) -> NDArray[np.float64]:
        """Each objective's range over the grid; 1 where all candidates are equal, so that it plays no part."""
        ranges: NDArray[np.float64] = np.ptp(self.means.to_numpy(), axis=0)
        return np.where(ranges > 0, ranges, 1.0)

    def volume(self, keys: Iterable[str]) -> float:
        """Return the hypervolume of candidates, every objective scaled by its range; those that do not count add nothing."""
        values = self.means.loc[[key for key in keys if key in self.means.index]].to_numpy()
        return hypervolume(values / self._scale, self.reference / self._scale, self.directions)

    @cached_property
    def whole(self) -> float:
        """The hypervolume of all candidates."""
        return self.volume(self.means.index)

    def share(self, keys: Iterable[str]) -> float:
        """Return the hypervolume of candidates as a share of the whole grid's."""
        return self.volume(keys) / self.whole


@dataclass(frozen=True)
class World:
    """A grid that searches are replayed on.

    Attributes:
        name: for tables.
        study: the study whose grid it is.
        folder: where its study file lies, which says what is known of the data; None for a made-up grid.
        table: numbers by (candidate's key, trial seed): what searches are told, and what scores them.
        unpruned: of each cost, the largest network's before pruning.
    """

    name: str
    study: Study
    folder: Path | None
    table: pd.DataFrame
    unpruned: Mapping[str, float]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The trial seeds."""
        return self.study.seeds

    @cached_property
    def keys(self) -> list[str]:
        """The candidates, in the order of the space."""
        return list(dict.fromkeys(self.table.index.get_level_values(0)))

    def told(self, key: str, seed: int) -> dict[str, float] | None:
        """Return what a search is told of a candidate by one trial seed: objectives and limits; None where it failed."""
        numbers = self.table.loc[(key, seed), told_columns(self.study)]
        return None if numbers.isna().any() else {str(column): float(value) for column, value in numbers.items()}

    def means(self, columns: Iterable[str], seeds: Iterable[int]) -> pd.DataFrame:
        """Return the means over seeds of every candidate that has all of them, one row each."""
        names, repeated = list(columns), list(seeds)
        rows = self.table[names].reindex(pd.MultiIndex.from_product([self.keys, repeated]))
        means = rows.to_numpy(dtype=float).reshape(len(self.keys), len(repeated), len(names)).mean(axis=1)
        return pd.DataFrame(means, index=self.keys, columns=names).dropna()

    def scoring_column(self, column: str) -> str:
        """Return the column that scores what a search is told: that of other images, where all candidates have it."""
        bare = column.removeprefix("val_")
        other = f"val_{bare}" if self.study.select_on == REPORT else bare
        return other if other in self.table and self._is_whole(other) else column

    def _is_whole(self, column: str) -> bool:
        """Return whether a column is there wherever a candidate was judged: test images may be kept for one budget."""
        judged = self.table[told_columns(self.study)].notna().all(axis=1)
        return bool(judged.any()) and bool(self.table.loc[judged, column].notna().all())

    def truth(self, told: int) -> Truth:
        """Return what scores a search that was told one trial seed: means of the others, limits kept where any keeps them.

        Raises:
            BadInput: there is no other seed, or no candidate was judged with the others.
        """
        others = [seed for seed in self.seeds if seed != told]
        if not others:
            raise BadInput(f"{self.name}: one seed tells and none is left to score by (allowed: grids of two seeds or more)")
        columns = {column: self.scoring_column(column) for column in told_columns(self.study)}
        means = self.means(dict.fromkeys(columns.values()), others)
        if means.empty:
            raise BadInput(f"{self.name}: no candidate was judged with all of the seeds {others}, so nothing can be scored")
        holds = np.ones(len(means), dtype=bool)
        for limit in self.study.parsed_limits:
            holds &= np.array([limit.holds(value) for value in means[columns[limit.column]]], dtype=bool)
        objectives = {columns[column]: way for column, way in self.study.decisive.items()}
        able = means[holds] if holds.any() else means
        return Truth(able[list(objectives)], tuple(objectives.values()))


def plan_of(study: Study, folder: Path | None) -> Plan:
    """Return the plan of a study whose images need not be at hand."""
    return make_plan(study, folder, data_required=False, recorded=folder is not None)


def read_world(run: Path) -> World:
    """Return the ground truth of a finished grid; of its folder ``study.yaml`` and ``records.parquet`` are read.

    Raises:
        BadInput: a file is missing or damaged, the grid is endless, or it is not finished.
    """
    study = _study(run)
    study = study.model_copy(update={"search": type(study.search)()})
    try:
        records = pd.read_parquet(run / "records.parquet")
    except (OSError, ValueError) as error:
        raise BadInput(f"{run / 'records.parquet'}: {error}") from None
    return World(
        study.name, study, run, _table(run, study, space_of(plan_of(study, run)), records), _unpruned(study, records)
    )


def _study(run: Path) -> Study:
    """Return the study of a folder; its own file stands for checkpoints, which may be elsewhere and are not read."""
    if not (run / STUDY).is_file():
        raise BadInput(f"{run}: no {STUDY} there (allowed: the output folder of a finished grid)")
    plain = read_study_yaml(run / STUDY)
    networks = plain.get("networks") if isinstance(plain, dict) else None
    own = [label for label, network in (networks or {}).items() if isinstance(network, dict) and network.get("baseline")]
    return load_study(run / STUDY, [f"networks.{label}.baseline={{checkpoint: {STUDY}}}" for label in own])


def _table(run: Path, study: Study, space: Space, records: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers of every candidate of a space, by candidate and seed.

    Raises:
        BadInput: a column is missing, or a candidate was never tried with a seed, so the grid is no ground truth.
    """
    needed = ("arm", "network", "method", "ratio", "budget", "seed", "status", *told_columns(study))
    missing = [column for column in needed if column not in records]
    if missing:
        raise BadInput(f"{run / 'records.parquet'}: has no column {', '.join(missing)} (allowed: the table of this study)")
    numbers = records.select_dtypes("number").replace([np.inf, -np.inf], np.nan)
    numbers[records["status"].ne("complete").to_numpy()] = np.nan
    rows = {
        (str(arm), float(ratio), int(budget), int(seed)): place
        for place, (arm, ratio, budget, seed) in enumerate(
            zip(records["arm"], records["ratio"], records["budget"], records["seed"], strict=True)
        )
    }
    index: list[tuple[str, int]] = []
    places: list[int] = []
    for candidate in space.candidates():
        for seed in study.seeds:
            place = rows.get((candidate.arm, float(candidate.ratio), int(candidate.budget or 0), seed))
            if place is None or records["status"].iloc[place] == "stopped":
                raise BadInput(f"{run}: {candidate.key} with seed {seed} was not tried, so this grid is no ground truth")
            index.append((candidate.key, seed))
            places.append(place)
    names: list[Any] = ["candidate", "seed"]
    return numbers.iloc[places].drop(columns=["seed"]).set_axis(pd.MultiIndex.from_tuples(index, names=names), axis=0)


def _unpruned(study: Study, records: pd.DataFrame) -> dict[str, float]:
    """Return the costs of the largest unpruned network among those that are pruned."""
    whole = records[records["method"].eq("baseline") & records["network"].isin(list(study.networks))]
    costs = [column for column in ("nonzero_parameters", "nonzero_macs") if column in records]
    return {column: float(whole[column].max()) for column in costs}
