"""What drives what: the effect of method, ratio and budget, as paired mean differences over seeds.

Each contrast is formed within a block (the same network, arm, ratio, budget and seed but for what is contrasted), averaged
over the blocks that every seed has, and its interval taken over the seeds. Methods are contrasted at equal cost, never at
equal ratio.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboards import labels
from dashboards.analysis.claims import Array, Paired, claims, paired_family, verdict
from dashboards.analysis.columns import headline_columns, with_numbers
from dashboards.analysis.per_seed import table_noise
from dashboards.reading.study_folder import StudyFolder
from prune_core.base.kinds import REFERENCES
from prune_core.metrics.quantities import direction_of

GRID = 5
"""Costs, equally spaced on a log scale over what both methods reach, at which two methods are contrasted."""

FALLING = "lower as accuracy falls"
"""What is said of an ECE that falls where the accuracy is worse."""
NOISE = "~image~"
"""Between a metric and the number of a resample, in the names of columns that hold image noise."""
LEVELS = 8
"""Levels of one factor that are contrasted, at most: a table of more is no answer."""


@dataclass(frozen=True)
class Effect:
    """One contrast.

    Attributes:
        factor: "method", "ratio" or "budget".
        contrast: what is compared, in words; differences are the second minus the first.
        blocks: over how many (network, arm, ...) each seed's difference is averaged.
        measured: metric -> difference.
        verdicts: metric -> "better", "worse", "not told apart" or "not decidable"; of an ECE `FALLING` too.
    """

    factor: str
    contrast: str
    blocks: int
    measured: dict[str, Paired]
    verdicts: dict[str, str]


def effects(study: StudyFolder) -> list[Effect]:
    """Return the effects of every factor that the study crosses; claims are corrected over all of them."""
    table = study.records.assign(row=np.arange(len(study.records)))
    table = table[table["status"].eq("complete") & study.of_own_seeds & ~study.repeated]
    names = [name for name in headline_columns() if name in table]
    pruned = table[~table["method"].isin(REFERENCES)]
    if not names or not len(pruned):
        return []
    table, pruned = _with_noise(study, table, names), _with_noise(study, pruned, names)
    longest = pruned[pruned["budget"].eq(pruned["budget"].max())]
    controls = table[table["method"].eq("control")]
    tuning = [*_steps(pruned, names, "budget", "pruned networks, "), *_steps(controls, names, "budget", "controls, ")]
    return _judged(
        [
            *_measured("method", list(_methods(longest, names)) if "compression" in table else [], names),
            *_measured("ratio", list(_steps(longest, names, "ratio", "")), names),
            *_measured("budget", tuning, names),
        ]
    )


def confounded(records: pd.DataFrame) -> list[str]:
    """Return a warning for each pair of methods that share no network: what differs between them may be the networks'."""
    pruned = records[~records["method"].isin(REFERENCES)]
    on = {str(method): sorted(set(rows["network"].astype(str))) for method, rows in pruned.groupby("method", sort=True)}
    return [
        f"{first} was tried on {', '.join(on[first])}, {second} on {', '.join(on[second])}: method and network are "
        "confounded, and what differs between the two may be the networks'."
        for first, second in combinations(on, 2)
        if not set(on[first]) & set(on[second])
    ]


def _with_noise(study: StudyFolder, table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Add a column for each metric and resample of the base images: every contrast, a weighted sum, then carries them."""
    noise = table_noise(study, table["row"].to_numpy(dtype=np.int64), names)
    if not np.isfinite(noise).any():
        return table
    wide = {f"{name}{NOISE}{at}": noise[:, place, at] for place, name in enumerate(names) for at in range(noise.shape[2])}
    return pd.concat([table, pd.DataFrame(wide, index=table.index)], axis=1)


def _columns(names: list[str], table: pd.DataFrame) -> list[str]:
    return [*names, *(name for name in table.columns if NOISE in str(name))]


def _noise_of(means: pd.DataFrame, name: str) -> Array | None:
    columns = [column for column in means.columns if str(column).startswith(name + NOISE)]
    return means[columns].to_numpy(dtype=float) if columns else None


Contrast = tuple[str, pd.DataFrame]
"""Words, and one row per (block, seed) with the columns ``block``, ``seed`` and a difference per metric."""


@dataclass(frozen=True)
class Measured:
    """One contrast before it is judged; ``measured`` holds None for a metric without a value."""

    factor: str
    contrast: str
    blocks: int
    measured: dict[str, Paired | None]


def _measured(factor: str, contrasts: list[Contrast], names: list[str]) -> list[Measured]:
    """Measure the contrasts of one factor: in each metric one family."""
    found = []
    for words, rows in contrasts:
        # A block that lacks a seed would make that seed's mean one over other blocks.
        whole = rows.groupby("block")["seed"].transform("nunique") == rows["seed"].nunique()
        means = rows[whole].groupby("seed")[_columns(names, rows)].mean()
        found.append((words, rows.loc[whole, "block"].nunique(), means))
    if not found:
        return []
    seeds = sorted({seed for *_, means in found for seed in means.index})
    by_metric: dict[str, list[Paired | None]] = {}
    for name in names:
        wide = [means.reindex(seeds) for *_, means in found]
        noise = [_noise_of(means, name) for means in wide]
        moved = None if any(one is None for one in noise) else np.array(noise)
        by_metric[name] = paired_family(np.array([means[name] for means in wide], dtype=float), moved)
    made = [
        Measured(factor, words, blocks, {name: by_metric[name][place] for name in names})
        for place, (words, blocks, _) in enumerate(found)
    ]
    return [one for one in made if any(one.measured.values())]


def _judged(found: list[Measured]) -> list[Effect]:
    told = iter(claims([one for each in found for one in each.measured.values()], place="effects"))
    result = []
    for each in found:
        sure = {name: next(told) for name in each.measured}
        known = {name: one for name, one in each.measured.items() if one is not None}
        verdicts = {name: verdict(one, sure[name], direction_of(name)) for name, one in known.items()}
        if verdicts.get("ece") == "better" and verdicts.get("accuracy") == "worse":
            verdicts["ece"] = FALLING  # confidence collapses with the accuracy: no gain in calibration
        result.append(Effect(each.factor, each.contrast, each.blocks, known, verdicts))
    return result


def _steps(table: pd.DataFrame, names: list[str], factor: str, on: str) -> Iterator[Contrast]:
    """Contrast each level of a numeric factor with the next one that was tried; of many levels, a few evenly chosen."""
    block = [name for name in ("network", "arm", "ratio", "budget") if name != factor]
    wide = table.drop_duplicates([*block, "seed", factor]).set_index([factor, *block, "seed"])
    wide = wide[_columns(names, wide)].astype(float)
    for first, second in pairwise(contrasted_levels(table[factor].unique()).tolist()):
        gaps = wide.loc[second] - wide.loc[first]
        rows = gaps[gaps[names].notna().any(axis=1)].reset_index()
        if len(rows):
            rows["block"] = rows[block].astype(str).agg(" ".join, axis=1)
            yield f"{on}{_level(factor, first)} → {_level(factor, second)}", rows


def _level(factor: str, value: float) -> str:
    return labels.epochs(int(value)) if factor == "budget" else f"{factor} {value:g}"


def contrasted_levels(tried: NDArray[Any]) -> NDArray[Any]:
    """Return the levels of which each is contrasted with the next: all, sorted; of many, a few evenly chosen."""
    levels = np.sort(tried)
    return np.asarray(levels[np.unique(np.linspace(0, len(levels) - 1, min(LEVELS, len(levels))).round().astype(int))])


def _methods(table: pd.DataFrame, names: list[str]) -> Iterator[Contrast]:
    """Contrast each pair of methods on the networks that both pruned, where their costs overlap."""
    curves = {
        (str(network), str(method), str(arm)): rows
        for (network, method, arm), rows in table.groupby(["network", "method", "arm"], sort=True)
    }
    methods = sorted({method for _, method, _ in curves})
    for first, second in combinations(methods, 2):
        rows = [
            row
            for (network, one, arm), own in curves.items()
            for (other, two, theirs), rival in curves.items()
            if one == first and two == second and network == other
            for row in _at_equal_cost(f"{network} {arm} {theirs}", own, rival, names)
        ]
        if rows:
            yield f"{first} → {second}", pd.DataFrame(rows)


def _at_equal_cost(block: str, first: pd.DataFrame, second: pd.DataFrame, names: list[str]) -> list[dict[str, object]]:
    """Return one row per seed: the mean difference over the costs that both arms reach with every seed."""
    sides = [
        {seed: _curve(side[side["seed"].eq(seed)], names) for seed in sorted(side["seed"].unique())}
        for side in (first, second)
    ]
    seeds = sorted(set(sides[0]) & set(sides[1]))
    known = [side[seed] for side in sides for seed in seeds]
    if not seeds or any(len(curve) < 2 for curve in known):
        return []
    low, high = max(curve[0, 0] for curve in known), min(curve[-1, 0] for curve in known)
    if not low < high:
        return []
    columns = _columns(names, first)
    rows: list[dict[str, object]] = []
    for seed in seeds:
        levels = [cost_weights(side[seed][:, 0], low, high) @ side[seed][:, 1:] for side in sides]
        rows.append({"block": block, "seed": seed, **dict(zip(columns, levels[1] - levels[0], strict=True))})
    return rows


def cost_weights(costs: Array, low: float, high: float) -> Array:
    """Return the weights that sum a curve's values at these costs, rising, to its mean from ``low`` to ``high``.

    One set of weights serves the metrics and their image noise.
    """
    at = np.linspace(low, high, GRID)
    return np.array([np.interp(at, costs, one).mean() for one in np.eye(len(costs))])


def _curve(own: pd.DataFrame, names: list[str]) -> Array:
    """Return log compression and metrics, ``(K, 1 + M)``, by rising compression."""
    known = own[["compression", *_columns(names, own)]].astype(float)
    known = known[known["compression"].gt(0)].sort_values("compression").drop_duplicates("compression")
    return np.asarray(known.assign(compression=np.log(known["compression"])).to_numpy(dtype=float))


def effect_rows(found: list[Effect]) -> list[tuple[str, str, int, dict[str, tuple[str, str, str]]]]:
    """Return factor, contrast, blocks, and by measured metric the difference, interval and verdict as text."""
    names = with_numbers(headline_columns(), (effect.measured for effect in found))
    return [
        (
            effect.factor,
            effect.contrast,
            effect.blocks,
            {
                name: (*effect.measured[name].words(name), effect.verdicts[name])
                if name in effect.measured
                else ("–", "", "")
                for name in names
            },
        )
        for effect in found
    ]
