"""Two studies side by side: the candidates that both have, how far they are apart, and what of that is beyond chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student

from dashboards import labels
from dashboards.analysis.columns import compared_columns, headline_columns, headline_costs
from dashboards.analysis.points import Points, candidate_points, rows_of
from dashboards.reading.study_folder import StudyFolder
from prune_core.metrics.quantities import is_cost
from sweeps.front.claim_levels import LEVEL
from sweeps.front.front import CANDIDATE
from sweeps.front.recommended import Recommended


@dataclass(frozen=True)
class Changed:
    """What became of one metric or cost.

    Attributes:
        column: its name.
        higher: how many candidates are higher in the second study by more than chance.
        lower: how many are lower.
        among: how many could be judged: of a metric, those whose seeds scatter.
        there: how many have a number in both.
        differ: how many of these have another number at all.
        worst: the candidate that changed most, with `CANDIDATE` and the columns of `shared_candidates`; None where none did.
    """

    column: str
    higher: int
    lower: int
    among: int
    there: int
    differ: int
    worst: Any


@dataclass(frozen=True)
class Comparison:
    """Two studies.

    Attributes:
        studies: the first and the second.
        both: the candidates that are complete in both (`shared_candidates`), those that changed most first.
        alone: names of the complete candidates that only the first, and only the second, has.
        joined: names of shared candidates that are on the front of the second alone, at equal budgets.
        left: the same of the first.
        stayed: how many shared candidates are on the front of both.
        recommended: what either recommends.
        changes: what changed by more than chance, per headline metric and cost.
        keys: (key, value in 1, value in 2) of what the study files say differently.
        same_trials: how many of the shared candidates are made of the very same trials.
    """

    studies: tuple[StudyFolder, StudyFolder]
    both: pd.DataFrame
    alone: tuple[list[str], list[str]]
    joined: list[str]
    left: list[str]
    stayed: int
    recommended: tuple[Recommended, Recommended]
    changes: list[Changed]
    keys: list[tuple[str, object, object]]
    same_trials: int

    def measured(self, columns: Iterable[str]) -> list[str]:
        """Return those columns of which a shared candidate has a number in either study."""
        sides = {name: self.both[[f"{name}_1", f"{name}_2"]] for name in columns}
        return [name for name, pair in sides.items() if pair.notna().any(axis=None)]


def all_columns() -> list[str]:
    """Return every metric and cost that is compared."""
    return [*compared_columns(), *headline_costs()]


def headlines() -> list[str]:
    """Return the few that a terminal shows."""
    return [*headline_columns(), *headline_costs()]


def shared_candidates(first: StudyFolder, second: StudyFolder) -> pd.DataFrame:
    """Return the complete candidates that both studies have.

    Returns:
        The columns that identify a candidate, and for each metric its mean in either study (``accuracy_1``,
        ``accuracy_2``), the difference (``accuracy_difference``), that difference in standard errors
        (``accuracy_errors``; NaN where the seeds give no standard error) and whether it is beyond chance
        (``accuracy_changed``).
    """
    return _shared(candidate_points(first), candidate_points(second))


def _shared(first: Points, second: Points) -> pd.DataFrame:
    names, tables = all_columns(), []
    for points in (first, second):
        spreads = (f"{name}_std" for name in names)
        tables.append(points.complete[[*CANDIDATE, "seeds", "keys", "front", *names, *spreads]])
    both = tables[0].merge(tables[1], on=CANDIDATE, suffixes=("_1", "_2"), validate="one_to_one")
    for name in names:
        both[f"{name}_difference"] = both[f"{name}_2"] - both[f"{name}_1"]
        variances = [both[f"{name}_std_{side}"].astype(float) ** 2 / both[f"seeds_{side}"] for side in (1, 2)]
        error = np.sqrt(variances[0] + variances[1])
        both[f"{name}_errors"] = both[f"{name}_difference"] / error.where(error > 0)
        both[f"{name}_changed"] = _beyond_chance(both, name, variances)
    return both


def _beyond_chance(both: pd.DataFrame, name: str, variances: Sequence[pd.Series[float]]) -> NDArray[np.bool_]:
    """Return which differences are beyond chance: Welch's test, by Holm over the candidates; a cost has no chance."""
    difference = both[f"{name}_difference"].to_numpy(dtype=float)
    if is_cost(name):
        return np.asarray(np.nan_to_num(difference) != 0)
    errors = np.abs(both[f"{name}_errors"].to_numpy(dtype=float))
    shares = [one.to_numpy(dtype=float) for one in variances]
    with np.errstate(divide="ignore", invalid="ignore"):
        # Welch and Satterthwaite
        freedom = (shares[0] + shares[1]) ** 2 / sum(
            share**2 / (both[f"seeds_{side}"].to_numpy(dtype=float) - 1) for side, share in zip((1, 2), shares, strict=True)
        )
        chances = 2 * student.sf(errors, freedom)
    return _holm(chances)


def _holm(chances: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which of several p-values hold together at `LEVEL` (Holm 1979); NaN is none."""
    known = np.flatnonzero(np.isfinite(chances))
    found = np.zeros(len(chances), dtype=bool)
    for place, at in enumerate(known[np.argsort(chances[known], kind="stable")]):
        if chances[at] > LEVEL / (len(known) - place):
            break
        found[at] = True
    return found


def compared(first: StudyFolder, second: StudyFolder) -> Comparison:
    """Return what differs between two studies."""
    points = candidate_points(first), candidate_points(second)
    both = _shared(*points)
    fronts = both["front_1"].astype(bool), both["front_2"].astype(bool)
    names = [{labels.candidate(row) for row in rows_of(each.complete)} for each in points]
    return Comparison(
        studies=(first, second),
        both=_most_changed_first(both),
        alone=(sorted(names[0] - names[1]), sorted(names[1] - names[0])),
        joined=_names(both[fronts[1] & ~fronts[0]]),
        left=_names(both[fronts[0] & ~fronts[1]]),
        stayed=int((fronts[0] & fronts[1]).sum()),
        recommended=(first.recommended(), second.recommended()),
        changes=[_changed(both, name) for name in headlines()],
        keys=differing_keys(first, second),
        same_trials=int(both["keys_1"].eq(both["keys_2"]).sum()),
    )


def _names(table: pd.DataFrame) -> list[str]:
    return [labels.candidate(row) for row in rows_of(table)]


def _most_changed_first(both: pd.DataFrame) -> pd.DataFrame:
    """Return the candidates, those with changes beyond chance first, each group by its largest difference in errors.

    Where the seeds give no standard error, by the largest difference of a metric.
    """
    names = headlines()
    changed = both[[f"{name}_changed" for name in names]].any(axis=1)
    largest = both[[f"{name}_errors" for name in names]].abs().max(axis=1).fillna(0.0)
    plain = both[[f"{name}_difference" for name in names if not is_cost(name)]].abs().max(axis=1).fillna(0.0)
    order = pd.DataFrame({"changed": ~changed, "largest": -largest, "plain": -plain})
    order = order.sort_values(["changed", "largest", "plain"], kind="stable")
    return both.loc[order.index].reset_index(drop=True)


def _changed(both: pd.DataFrame, name: str) -> Changed:
    difference = both[f"{name}_difference"].astype(float)
    found = both[f"{name}_changed"].astype(bool)
    weight = difference.abs() if is_cost(name) else both[f"{name}_errors"].abs()
    worst = next(iter(rows_of(both.loc[[weight[found].idxmax()]])), None) if found.any() else None
    there = difference.notna()
    judged = there if is_cost(name) else both[f"{name}_errors"].notna()
    which = (found & difference.gt(0), found & difference.lt(0), judged, there, there & difference.ne(0))
    higher, lower, among, known, differ = (int(one.sum()) for one in which)
    return Changed(name, higher, lower, among, known, differ, worst)


def differing_keys(first: StudyFolder, second: StudyFolder) -> list[tuple[str, object, object]]:
    """Return the keys in which the study files differ, with both values; name, title and provenance aside.

    Sections are looked into: a key is a path, with dots between.
    """
    plain = [
        {key: each.plain[key] for key in each.plain if key not in ("name", "title", "provenance")}
        for each in (first, second)
    ]
    return list(_differing("", *plain))


def _differing(where: str, left: Mapping[str, object], right: Mapping[str, object]) -> Iterable[tuple[str, object, object]]:
    for key in sorted({*left, *right}):
        one, other = left.get(key), right.get(key)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from _differing(f"{where}{key}.", one, other)
        elif one != other:
            yield f"{where}{key}", one, other
