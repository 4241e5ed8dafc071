"""What the figures by ratio show, computed: the change per tenth of pruning ratio, with its interval over seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from dashboards import labels
from dashboards.claims import DECIDABLE
from dashboards.points import REFERENCES
from dashboards.study_folder import StudyFolder

METRICS = ("accuracy", "ece", "nll", "mpc", "corruption_ece")


@dataclass(frozen=True)
class Trend:
    """The slope of one metric of one arm over its ratios, at the longest budget.

    Attributes:
        slope: change per 0.1 of ratio, the mean of a least-squares line per seed.
        half: half the width of its 95 % t interval over the seeds; NaN for one seed.
        seeds: how many there are.
    """

    network: str
    arm: str
    metric: str
    slope: float
    half: float
    seeds: int

    @property
    def words(self) -> str:
        """The slope with its interval, and from five seeds on ``rises``, ``falls`` or ``undecided``."""
        shown = labels.number(self.slope, f"delta_{self.metric}", sign=True)
        if np.isnan(self.half):
            return shown
        scale, digits = (100.0, 1) if labels.is_share(self.metric) else (1.0, 4)
        low, high = self.slope - self.half, self.slope + self.half
        if self.seeds < DECIDABLE:
            return f"{shown} [{scale * low:+.{digits}f}, {scale * high:+.{digits}f}]"
        verdict = "rises" if low > 0 else "falls" if high < 0 else "undecided"
        return f"{shown} [{scale * low:+.{digits}f}, {scale * high:+.{digits}f}] {verdict}"


def trends(study: StudyFolder) -> list[Trend]:
    """Return the trends of every arm that has at least two ratios; a seed counts where it has at least two."""
    table = study.records[study.records["status"].eq("complete") & ~study.records["method"].isin(REFERENCES)]
    table = table[table["budget"].eq(table["budget"].max())]
    found = []
    for (network, arm), rows in table.groupby(["network", "arm"], sort=True):
        for metric in (name for name in METRICS if name in rows):
            slopes = [slope for _, own in rows.groupby("seed") if (slope := _slope(own, metric)) is not None]
            if slopes:
                values = np.array(slopes)
                half = float("nan")
                if len(values) > 1:
                    half = float(stdtrit(len(values) - 1, 0.975) * values.std(ddof=1) / np.sqrt(len(values)))
                found.append(Trend(str(network), str(arm), metric, float(values.mean()), half, len(values)))
    return found


def _slope(own: pd.DataFrame, metric: str) -> float | None:
    """Return the least-squares change per 0.1 of ratio of one seed."""
    known = own[["ratio", metric]].astype(float).dropna()
    ratios = known["ratio"].to_numpy() - known["ratio"].mean()
    spread = float((ratios**2).sum())
    return float((ratios * known[metric].to_numpy()).sum() / spread) / 10 if spread > 0 else None


def trend_rows(study: StudyFolder) -> tuple[list[str], list[tuple[str, str, list[str]]]]:
    """Return the metrics, and one row per arm: network, arm, and the words of each metric."""
    found = trends(study)
    names = [name for name in METRICS if any(trend.metric == name for trend in found)]
    words = {(trend.network, trend.arm, trend.metric): trend.words for trend in found}
    arms = sorted({(trend.network, trend.arm) for trend in found})
    return names, [(network, arm, [words.get((network, arm, name), "–") for name in names]) for network, arm in arms]
