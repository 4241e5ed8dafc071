"""The front: candidates, who dominates whom, and the table that says so.

A candidate is one (arm, network, method, ratio, budget) over all seeds. Only complete candidates compete, at equal budgets;
what is never fine-tuned (the unpruned baseline, the dense ladder, what is trained from scratch) competes at every budget,
since a user can take it instead of any pruned network. Neither ray nor torch is needed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prune_core.metrics import Direction
from prune_core.metrics.quantities import is_cost
from sweeps.folder.paths import FRONT
from sweeps.front.image_noise import ImageNoise
from sweeps.front.limits import limit_columns, plain_row, verdict_word, verdicts
from sweeps.front.membership import CANDIDATE, POSSIBLE, SURE, membership, rivals, rivals_by_budget, seed_values
from sweeps.front.names import folder_name, title_of
from sweeps.front.seed_differences import with_seed_differences
from sweeps.front.seeds import seed_adjusted
from sweeps.front.volume import hypervolume, non_dominated
from sweeps.records.columns import CHECKPOINT
from sweeps.records.csv_file import write_csv
from sweeps.study.deciding import deciding_columns
from sweeps.study.values import Limit

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CANDIDATE",
    "POSSIBLE",
    "SURE",
    "candidate_table",
    "candidates",
    "front",
    "front_budgets",
    "hypervolume",
    "membership",
    "non_dominated",
    "only_front",
    "rivals",
    "rivals_by_budget",
    "seed_values",
    "write_front",
]


def candidates(
    records: pd.DataFrame,
    objectives: Mapping[str, Direction],
    *,
    shown: Sequence[str] = (),
    seeds: Iterable[int] | None = None,
) -> pd.DataFrame:
    """Return one row per candidate: mean, sample standard deviation and completeness.

    Where some have more seeds than others, means are those of `seed_adjusted`: extra seeds tell more about a candidate and
    not about the baselines that they happened to start from.

    Args:
        records: the table of records (any status).
        objectives: column -> direction; a candidate without a value in one of them is incomplete.
        shown: further columns to average.
        seeds: the seeds that a complete candidate has; by default every seed that the records name.

    Returns:
        The columns of `CANDIDATE`, then ``seeds`` (count of complete records), ``complete``, ``keys`` (trial keys, ``;``
        between), for each column its mean under its own name and ``<column>_std`` (ddof 1; NaN for one seed, and for
        metrics where every seed is one and the same network), and ``seeds_differ_in``
        (`sweeps.front.seed_differences`); sorted.
    """
    import pandas as pd  # 0.25 s of CPU, where there is a table

    wanted = frozenset(records["seed"].dropna().astype(int)) if seeds is None else frozenset(seeds)
    numbers = list(dict.fromkeys([*objectives, *shown]))
    table = records.reindex(columns=[*CANDIDATE, "seed", "key", "status", CHECKPOINT, *numbers])
    table["ratio"] = pd.to_numeric(table["ratio"], errors="coerce").fillna(0.0)
    table["budget"] = pd.to_numeric(table["budget"], errors="coerce").fillna(0).astype(int)
    table[numbers] = table[numbers].astype(float).replace([np.inf, -np.inf], np.nan)
    whole = table["status"].eq("complete") & table[list(objectives)].notna().all(axis=1)
    # A seed that is there twice (a record read while it is replaced) counts once.
    done = table[whole].drop_duplicates([*CANDIDATE, "seed"], keep="last")
    groups = done.groupby(CANDIDATE, sort=True, dropna=False)
    rows = table[CANDIDATE].drop_duplicates().sort_values(CANDIDATE).set_index(CANDIDATE)
    rows["seeds"] = groups["seed"].nunique()
    rows["complete"] = groups["seed"].agg(lambda present: wanted <= set(present.astype(int)))
    rows["keys"] = groups["key"].agg(lambda keys: ";".join(sorted(map(str, keys))))
    means, spreads = _means(done, numbers, wanted), groups[numbers].std(ddof=1).add_suffix("_std")
    result = rows.join(means).join(spreads).copy()  # in one piece: pandas warns of many
    result["seeds"] = result["seeds"].fillna(0).astype(int)
    result = with_seed_differences(result, done, CANDIDATE).reset_index()
    result["complete"] = result["complete"].eq(True)
    result["keys"] = result["keys"].fillna("")
    return result


def _means(done: pd.DataFrame, numbers: list[str], wanted: frozenset[int]) -> pd.DataFrame:
    """Return the means of candidates; ``delta_*`` are paired by seed already, and a cost has no luck."""
    means = done.groupby(CANDIDATE, sort=True, dropna=False)[numbers].mean()
    measured = [name for name in numbers if not name.startswith("delta_") and not is_cost(name)]
    if done["seed"].isin(wanted).all():
        return means
    for _, rows in done.groupby(["network", "budget"]):
        if rows["seed"].isin(wanted).all():
            continue
        for name in measured:
            wide = rows.set_index([*CANDIDATE, "seed"])[name].unstack("seed")
            own = np.array([seed in wanted for seed in wide.columns.astype(int)])
            means.loc[wide.index, name] = seed_adjusted(wide.to_numpy(dtype=float), own)
    return means


def front(table: pd.DataFrame, objectives: Mapping[str, Direction], *, mix_budgets: bool = False) -> NDArray[np.bool_]:
    """Return which candidates are on a front, in the order of the table.

    Args:
        table: what `candidates` returned.
        objectives: the columns that decide, and their directions.
        mix_budgets: one front over all budgets; otherwise one per budget, and what is never fine-tuned, which
            competes at every budget, is on it where it is on at least one of them.
    """
    able = table["complete"].to_numpy(dtype=bool)
    values = table[list(objectives)].to_numpy(dtype=float)
    directions = list(objectives.values())
    result = np.zeros(len(table), dtype=bool)
    for group in rivals(table, mix_budgets=mix_budgets):
        members = np.flatnonzero(group & able)
        result[members] |= non_dominated(values[members], directions)
    return result


def front_budgets(table: pd.DataFrame, objectives: Mapping[str, Direction]) -> list[tuple[int, ...]]:
    """Return, for each candidate, the budgets on whose front it is; the arguments are those of `front`.

    One that is fine-tuned can be on the front of its own budget alone. One that is never fine-tuned competes on all of them
    and may be on some: said of one front, "on the front" means that front.
    """
    able = table["complete"].to_numpy(dtype=bool)
    values = table[list(objectives)].to_numpy(dtype=float)
    result: list[tuple[int, ...]] = [()] * len(table)
    for budget, group in rivals_by_budget(table).items():
        members = np.flatnonzero(group & able)
        for place in members[non_dominated(values[members], list(objectives.values()))]:
            result[place] = (*result[place], budget)
    return result


def candidate_table(
    out: Path,
    records: pd.DataFrame,
    objectives: Mapping[str, Direction],
    *,
    shown: Sequence[str] = (),
    select_on: str = "validation",
    seeds: Iterable[int] | None = None,
    mix_budgets: bool = False,
    limits: Sequence[Limit] = (),
) -> pd.DataFrame:
    """Return every candidate with its name, mean, spread, frequency and whether it is on the front.

    The selection numbers decide membership; the report numbers (``shown`` and the objectives themselves) stand beside them.

    Args:
        out: the study's output folder; tells what resampling its images does to the numbers.
        records: the table of records (any status).
        objectives: metric or cost -> direction, as the study names them.
        shown: further columns to average.
        select_on: which images decide, ``validation`` or ``report``.
        seeds: the seeds that a complete candidate has; by default every seed that the records name.
        mix_budgets: one front over all budgets; otherwise one per budget.
        limits: the demands on winners.

    Returns:
        What `candidates` returns, with ``name`` (what ``prunefront export --pick`` takes) and ``on_front`` before it,
        ``front_frequency``, ``front_budgets`` (on the fronts of which budgets it is, ``;`` between: a baseline competes at
        every budget) and, with limits, ``limits`` (who meets them, `sweeps.front.limits`) behind the columns of `CANDIDATE`.
    """
    decisive = deciding_columns(objectives, records.columns, select_on)
    judged = limit_columns(limits, records.columns, select_on)
    table = candidates(records, decisive, shown=[*objectives, *shown, *judged], seeds=seeds)
    frequency = membership(records, table, decisive, mix_budgets=mix_budgets, images=ImageNoise(out))
    table.insert(len(CANDIDATE), "front_frequency", frequency)
    budgets = [";".join(map(str, each)) for each in front_budgets(table, decisive)]
    table.insert(len(CANDIDATE) + 1, "front_budgets", budgets)
    rows = [plain_row(row) for _, row in table.iterrows()]
    if limits:
        table.insert(len(CANDIDATE), "limits", [verdict_word(verdicts(row, limits, select_on)) for row in rows])
    table.insert(0, "on_front", front(table, decisive, mix_budgets=mix_budgets))
    table.insert(0, "name", [folder_name(title_of(row)) for row in rows])
    return table


def only_front(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a `candidate_table` that are on the front, in the order of ``front.csv``."""
    chosen = table[table["on_front"]].drop(columns="on_front")
    return chosen.sort_values(["budget", *CANDIDATE[:-1]])


def write_front(
    out: Path,
    records: pd.DataFrame,
    objectives: Mapping[str, Direction],
    *,
    shown: Sequence[str] = (),
    select_on: str = "validation",
    seeds: Iterable[int] | None = None,
    mix_budgets: bool = False,
    limits: Sequence[Limit] = (),
) -> Path:
    """Write ``front.csv`` into the study's folder: the candidates on the front; arguments as `candidate_table`.

    Returns:
        The path of the file; without a front it holds the header only.
    """
    table = candidate_table(
        out,
        records,
        objectives,
        shown=shown,
        select_on=select_on,
        seeds=seeds,
        mix_budgets=mix_budgets,
        limits=limits,
    )
    write_csv(only_front(table), out / FRONT)
    return out / FRONT
