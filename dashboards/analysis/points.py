"""The candidates with everything that the pages say about them: computed here once, drawn elsewhere."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboards.analysis.columns import averaged_columns, table_columns
from dashboards.reading.study_folder import StudyFolder
from prune_core.base.kinds import NEVER_FINE_TUNED
from prune_core.metrics import Direction, ece_fell_with_accuracy
from sweeps.front.collapse import has_collapsed, loss_column
from sweeps.front.demands import recommended_columns
from sweeps.front.front import candidates, front, front_budgets, membership, rivals_by_budget
from sweeps.front.limits import limit_columns, plain_row, verdict_word, verdicts
from sweeps.front.recommended import Recommended, recommend
from sweeps.study.values import Limit


@dataclass(frozen=True)
class Points:
    """The candidates of a study.

    Attributes:
        table: `sweeps.front.front.candidates` (means, ``*_std``) with ``front`` (at equal budgets), ``front_at`` (the
            budgets on whose front it is), ``front_mixed`` (over all budgets), ``frequency`` of being on the front of its own
            budget, the longest one for what is never fine-tuned, ``within`` the study's limits, ``collapsed``
            (`sweeps.front.collapse`), ``verdict`` (`sweeps.front.limits`, empty for a study without limits),
            ``runs`` (MLflow run ids, comma between), ``place`` (its row, a short name for it).
        decisive: the columns that decided, and their directions.
        asked: the report columns of the study's objectives and limits.
        limited: the columns that the limits are judged on, where they are not those.
        recommended: which network to take (`sweeps.front.recommended`).
        corruption_set: what the corrupted report images are called beside every number of theirs; empty without any.
    """

    table: pd.DataFrame
    decisive: dict[str, Direction]
    corruption_set: str = ""
    asked: tuple[str, ...] = ()
    limited: tuple[str, ...] = ()
    recommended: Recommended = Recommended("incomplete", (), "size_bytes")

    @property
    def corrupted(self) -> str:
        """What stands under a table or figure that shows numbers under corruption."""
        return f"Corrupted images: {self.corruption_set}." if self.corruption_set else ""

    @property
    def columns(self) -> list[str]:
        """The columns of the tables of candidates: those of every study, then what its objectives and limits name."""
        wanted = [*table_columns(), *self.asked, *self.limited]
        return self.measured(wanted)

    def measured(self, wanted: Iterable[str]) -> list[str]:
        """Return the columns of which any candidate has a number, each once; all that there are of a table without one."""
        there = [name for name in dict.fromkeys(wanted) if name in self.table]
        return [name for name in there if self.table[name].notna().any()] or there

    @property
    def complete(self) -> pd.DataFrame:
        """The candidates that have every seed."""
        return self.table[self.table["complete"]]

    @property
    def longest(self) -> int:
        """The longest budget, in epochs; 0 where there is none."""
        return int(self.table["budget"].max()) if len(self.table) else 0

    def at_longest(self) -> pd.DataFrame:
        """What `at` returns of the longest budget."""
        return self.at(self.longest)

    def at(self, budget: int) -> pd.DataFrame:
        """The complete candidates that compete at a budget; ``front`` says who is on the front of that very budget."""
        table = self.complete
        table = table[(table["budget"] == budget) | table["method"].isin(NEVER_FINE_TUNED)]
        if "front_at" not in table:
            return table
        return table.assign(front=[budget in budgets for budgets in table["front_at"]])


def fell_together(row: Any) -> bool:
    """Return whether a candidate's ECE lies below its control's only because accuracy and confidence fell together."""
    own = {name: getattr(row, name) for name in ("ece", "accuracy", "mean_confidence")}
    control = {name: value - getattr(row, f"delta_{name}") for name, value in own.items()}
    return bool(ece_fell_with_accuracy(own, control))


def rows_of(table: pd.DataFrame) -> list[Any]:
    """Return the rows of a table, its columns as attributes."""
    row = _row_of(tuple(map(str, table.columns)))
    return [row._make(values) for values in table.itertuples(name=None)]


@lru_cache(maxsize=32)
def _row_of(columns: tuple[str, ...]) -> Any:
    """Return what pandas makes anew for each table, which takes longer than the rows of a small one."""
    return namedtuple("Pandas", ("Index", *columns), rename=True)


def candidate_points(study: StudyFolder) -> Points:
    """Return the candidates of a study with their place on the front."""
    records, decisive = study.records, study.decisive
    averaged = averaged_columns()
    selection = [f"val_{name}" for name in averaged] + [loss_column(records.columns, study.select_on), "delta_val_accuracy"]
    demanded = limit_columns(study.limits, records.columns, study.select_on)
    kept = recommended_columns(records.columns, study.objectives, study.limits, study.margins, study.select_on)
    shown = [name for name in (*averaged, *selection, *study.asked, *demanded, *kept) if name in records.columns]
    lacking = [name for name in decisive if name not in records.columns]
    # A study whose records lack an objective altogether (an older version's) still gets its figures, without that objective.
    decisive = {name: way for name, way in decisive.items() if name not in lacking}
    table = candidates(records, decisive, shown=shown, seeds=study.seeds).copy()  # in one piece: pandas warns of many
    table["front"] = front(table, decisive) if decisive else False
    table["front_mixed"] = front(table, decisive, mix_budgets=True) if decisive else False
    table["front_at"] = front_budgets(table, decisive) if decisive else [()] * len(table)
    table["frequency"] = _frequency(study, table, decisive) if decisive else np.nan
    table["within"] = _within(table, study.decisive_limits)
    table["verdict"] = _verdict_words(study, table)
    table["collapsed"] = has_collapsed(table, study.select_on)
    table["runs"] = _runs(records, table)
    table["place"] = np.arange(len(table))
    absent = [column for name in averaged for column in (name, f"{name}_std") if column not in table]
    table = table.reindex(columns=[*table.columns, *absent])
    asked = tuple(name for name in study.asked if name in table)
    limited = tuple(name for name in demanded if name not in asked)
    found = recommend(table, study.objectives, limits=study.limits, margins=study.margins, select_on=study.select_on)
    return Points(table, decisive, study.corruption_set, asked, limited, found)


def _frequency(study: StudyFolder, table: pd.DataFrame, decisive: dict[str, Direction]) -> NDArray[np.float64]:
    """Return how often each is on the front of its own budget; of the longest one where it is never fine-tuned."""
    found = membership(study.records, table, decisive, images=study.images)
    everywhere = table["method"].isin(NEVER_FINE_TUNED).to_numpy(dtype=bool)
    budgets = list(rivals_by_budget(table))
    if len(budgets) > 1 and everywhere.any():
        last = membership(study.records, table, decisive, budget=budgets[-1], images=study.images)
        found[everywhere] = last[everywhere]
    return found


def _within(table: pd.DataFrame, limits: Iterable[Limit]) -> NDArray[np.bool_]:
    result = np.ones(len(table), dtype=bool)
    for limit in limits:
        measured = table[limit.column] if limit.column in table else pd.Series(np.nan, index=table.index)
        result &= np.array([limit.holds(float(value)) for value in measured], dtype=bool)
    return result


def _verdict_words(study: StudyFolder, table: pd.DataFrame) -> list[str]:
    if not study.limits:
        return [""] * len(table)
    return [verdict_word(verdicts(plain_row(row), study.limits, study.select_on)) for _, row in table.iterrows()]


def _runs(records: pd.DataFrame, table: pd.DataFrame) -> list[str]:
    if "mlflow_run_id" not in records or not len(records):
        return [""] * len(table)
    known = records.dropna(subset=["mlflow_run_id"]).drop_duplicates("key")
    by_key = dict(zip(known["key"], known["mlflow_run_id"].astype(str), strict=True))
    return [", ".join(by_key[key] for key in keys.split(";") if key in by_key) for keys in table["keys"]]
