"""What the figures by ratio show, computed: the change per tenth of pruning ratio, its interval over seeds and images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dashboards import labels
from dashboards.analysis.claims import DECIDABLE, Array, Paired, claims, paired
from dashboards.analysis.per_seed import table_noise
from dashboards.analysis.ratio_panels import ratio_figures
from dashboards.reading.study_folder import StudyFolder
from prune_core.base.kinds import REFERENCES
from sweeps.front.collapse import COLLAPSED, lost_accuracy


@dataclass(frozen=True)
class Trend:
    """The slope of one metric of one arm over its ratios, at the longest budget.

    Attributes:
        change: per 0.1 of ratio, the mean of a least-squares line per seed.
        claimed: whether it is called rising or falling: by the one rule for claims, among all of its figure.
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
    mine = records["status"].eq("complete") & ~records["method"].isin(REFERENCES) & study.of_own_seeds
    if not mine.any():
        return []
    mine &= records["budget"].eq(records.loc[mine, "budget"].max())
    table = records.assign(row=np.arange(len(records)))[mine]
    # A straight line through a collapse describes neither side of it.
    table = table[table["ratio"].astype(float) < table["arm"].astype(str).map(_collapsed_arms(study)).fillna(np.inf)]
    result: list[Trend] = []
    for figure in ratio_figures():
        names = [name for name in figure.told if name in table]
        found = [
            (str(network), str(arm), metric, change)
            for (network, arm), rows in table.groupby(["network", "arm"], sort=True)
            for metric, change in _slopes(study, rows, names)
        ]
        told = claims([change for *_, change in found])
        result += [Trend(figure.name, *one, sure) for one, sure in zip(found, told, strict=True)]
    return result


def _slopes(study: StudyFolder, rows: pd.DataFrame, names: Sequence[str]) -> Iterable[tuple[str, Paired]]:
    """Yield the change of each metric per 0.1 of ratio, over the seeds of one arm."""
    for name in names:
        known = rows[rows[name].notna()]
        slopes, noise = [], []
        for _, own in known.groupby("seed"):
            weights = _weights(own["ratio"].to_numpy(dtype=float))
            if weights is not None:
                slopes.append(float(weights @ own[name].to_numpy(dtype=float)))
                noise.append(weights @ table_noise(study, own["row"].to_numpy(dtype=np.int64), [name])[:, 0])
        if slopes and (change := paired(slopes, np.array(noise))) is not None:
            yield name, change


def _weights(ratios: Array) -> Array | None:
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
                # An ECE that falls with the accuracy is no gain.
                words += "." if figure.name == "robustness" else "; a lower ECE there is no gain."
            result.setdefault((figure.name, network), []).append(words.strip())
    return result


def _collapsed_arms(study: StudyFolder) -> dict[str, float]:
    """Return arm -> the lowest ratio at which its networks have collapsed, in the mean over the seeds."""
    table = study.records.assign(lost=lost_accuracy(study.records, study.select_on))
    table = table[table["status"].eq("complete") & ~table["method"].isin(REFERENCES)]
    table = table[table["budget"].eq(table["budget"].max())]
    means = table.groupby(["arm", "ratio"])["lost"].mean().reset_index()
    return {str(arm): float(rows["ratio"].min()) for arm, rows in means[means["lost"] > COLLAPSED].groupby("arm")}
