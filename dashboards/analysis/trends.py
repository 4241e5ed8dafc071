"""What the figures by ratio show, computed: the change per tenth of pruning ratio, its interval over seeds and images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dashboards import labels
from dashboards.analysis.claims import Array, Paired, claims, paired_family
from dashboards.analysis.per_seed import table_noise
from dashboards.analysis.ratio_panels import ratio_figures
from dashboards.reading.study_folder import StudyFolder
from prune_core.base.kinds import REFERENCES
from prune_core.evaluation.resampled import RESAMPLES
from sweeps.front.claim_levels import DECIDABLE
from sweeps.front.collapse import COLLAPSED, lost_accuracy


@dataclass(frozen=True)
class Trend:
    """The slope of one metric of one arm over its ratios, at the longest budget.

    Attributes:
        change: per 0.1 of ratio, the mean of a least-squares line per seed.
        claimed: whether it is called rising or falling: by the one rule for claims, among all trends of the report.
    """

    figure: str
    network: str
    arm: str
    metric: str
    change: Paired
    claimed: bool

    @property
    def words(self) -> str:
        """For example ``accuracy falls by 2.0 points [-3.8, -0.2]``; no verb that claims more than the seeds can."""
        shown, interval = self.change.words(self.metric)
        name = title(self.metric)
        if self.claimed:
            verb = "rises by" if self.change.mean > 0 else "falls by"
            return f"{name} {verb} {shown.lstrip('+-')} {interval}"
        unsure = "" if self.change.seeds < DECIDABLE else ", undecided"
        return f"{name} {shown} {interval}{unsure}".replace(" ,", ",").rstrip()


def title(metric: str) -> str:
    """Return a metric's name, its severity said."""
    head, _, severity = metric.rpartition("_s")
    return f"{labels.title(head)} at severity {severity}" if severity.isdigit() else labels.title(metric)


def trends(study: StudyFolder) -> list[Trend]:
    """Return the trends of every arm that has at least two ratios before it collapses; a seed counts where it has two."""
    records = study.records
    mine = records["status"].eq("complete") & ~records["method"].isin(REFERENCES) & study.of_own_seeds & ~study.repeated
    if not mine.any():
        return []
    mine &= records["budget"].eq(records.loc[mine, "budget"].max())
    table = records.assign(row=np.arange(len(records)))[mine]
    # A straight line through a collapse describes neither side of it.
    table = table[table["ratio"].astype(float) < table["arm"].astype(str).map(_collapsed_arms(study)).fillna(np.inf)]
    arms = [(str(network), str(arm), rows) for (network, arm), rows in table.groupby(["network", "arm"], sort=True)]
    shown = ratio_figures()
    found = [
        (figure.name, network, arm, metric, change)
        for figure in shown
        for metric in figure.told
        if metric in table
        for network, arm, change in _changes(study, arms, metric)
    ]
    told = claims([change for *_, change in found], place="trends")
    result = [Trend(*one, sure) for one, sure in zip(found, told, strict=True)]
    places = {figure.name: place for place, figure in enumerate(shown)}
    return sorted(result, key=lambda one: (places[one.figure], one.network, one.arm))  # stable: metrics stay in order


def _changes(
    study: StudyFolder, arms: Sequence[tuple[str, str, pd.DataFrame]], metric: str
) -> list[tuple[str, str, Paired]]:
    """Return the change of a metric per 0.1 of ratio, for every arm that has one: one family."""
    slopes = [_slopes(study, rows, metric) for *_, rows in arms]
    seeds = sorted({seed for each in slopes for seed in each})
    values, noise = np.full((len(arms), len(seeds)), np.nan), np.full((len(arms), len(seeds), RESAMPLES), np.nan)
    for row, each in enumerate(slopes):
        for seed, (slope, moved) in each.items():
            values[row, seeds.index(seed)], noise[row, seeds.index(seed)] = slope, moved
    pairs = zip(arms, paired_family(values, noise), strict=True)
    return [(network, arm, change) for (network, arm, _), change in pairs if change is not None]


def _slopes(study: StudyFolder, rows: pd.DataFrame, metric: str) -> dict[int, tuple[float, Array]]:
    """Return, by seed, the slope of one arm per 0.1 of ratio and how far resampled images move it; one ratio has none."""
    known = rows[rows[metric].notna()]
    result = {}
    for seed, own in known.groupby("seed"):
        weights = slope_weights(own["ratio"].to_numpy(dtype=float))
        if weights is not None:
            moved = table_noise(study, own["row"].to_numpy(dtype=np.int64), [metric])[:, 0]
            result[int(str(seed))] = (float(weights @ own[metric].to_numpy(dtype=float)), np.asarray(weights @ moved))
    return result


def slope_weights(ratios: Array) -> Array | None:
    """Return the weights that sum values at these ratios to a least-squares line's change per 0.1; None for one."""
    away = ratios - ratios.mean()
    spread = float((away**2).sum())
    return np.asarray(away / spread / 10) if spread > 0 else None


def trend_sentences(study: StudyFolder, found: Sequence[Trend]) -> dict[tuple[str, str], list[str]]:
    """Return, for each figure and network, a sentence per arm about what its lines show."""
    result: dict[tuple[str, str], list[str]] = {}
    collapsed = _collapsed_arms(study)
    pruned = study.records[~study.records["method"].isin(REFERENCES)]
    named = set(zip(pruned["network"].astype(str), pruned["arm"].astype(str), strict=True))
    for figure in ratio_figures():
        having = {(one.network, one.arm) for one in found if one.figure == figure.name}
        measured = any(name in pruned and bool(pruned[name].notna().any()) for name in figure.told)
        for network, arm in sorted(having | {one for one in named if one[1] in collapsed and measured}):
            own = [one for one in found if (one.figure, one.network, one.arm) == (figure.name, network, arm)]
            words = f"{arm.removeprefix(network + '-')}: "
            if own:
                words += ("before it collapses, " if arm in collapsed else "") + f"{'; '.join(one.words for one in own)}. "
            if arm in collapsed:
                words += f"From ratio {collapsed[arm]:g} on it has collapsed"
                words += "." if figure.name == "robustness" else f"{_lower_ece(study, arm, collapsed[arm])}."
            result.setdefault((figure.name, network), []).append(words.strip())
    return result


def _lower_ece(study: StudyFolder, arm: str, start: float) -> str:
    """Return at which collapsed ratios of an arm ECE is below the control's, in the mean over the seeds; begins with ";"."""
    table = _longest(study)
    own = table[table["arm"].astype(str).eq(arm) & table["ratio"].astype(float).ge(start)]
    if "delta_ece" not in own:
        return ""
    means = own.groupby("ratio")["delta_ece"].mean()
    lower = [f"{ratio:g}" for ratio in means[means < 0].index]
    return f"; its ECE is below its control's at {', '.join(lower)}, which is no gain there" if lower else ""


def _longest(study: StudyFolder) -> pd.DataFrame:
    """Return the complete records of pruned networks at the longest budget."""
    table = study.records
    table = table[table["status"].eq("complete") & ~table["method"].isin(REFERENCES)]
    return table[table["budget"].eq(table["budget"].max())]


def _collapsed_arms(study: StudyFolder) -> dict[str, float]:
    """Return arm -> the lowest ratio at which its networks have collapsed, in the mean over the seeds."""
    table = _longest(study)
    table = table.assign(lost=lost_accuracy(table, study.select_on))
    means = table.groupby(["arm", "ratio"])["lost"].mean().reset_index()
    return {str(arm): float(rows["ratio"].min()) for arm, rows in means[means["lost"] > COLLAPSED].groupby("arm")}
