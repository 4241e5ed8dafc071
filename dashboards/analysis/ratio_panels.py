"""The figures by pruning ratio: one of the table's metrics beside each other, one for each metric by severity."""

from __future__ import annotations

from dataclasses import dataclass

from dashboards import labels
from dashboards.analysis.columns import compared_columns
from prune_core.metrics.quantities import metrics_known, quantity_of
from prune_core.metrics.quantity import SEVERITIES, Quantity

_NAMED = {
    "mpc": ("robustness", "Accuracy under corruption"),
    "corruption_ece": ("calibration-shift", "Calibration under corruption"),
}
"""Figures by severity that are called otherwise than their metric."""


@dataclass(frozen=True)
class RatioFigure:
    """One figure by ratio.

    Attributes:
        name: of its files, and of its section on the page.
        heading: what it shows, in a line.
        section: the heading of its section.
        columns: of its panels.
        by_severity: whether the panels are one metric at the five severities.
    """

    name: str
    heading: str
    section: str
    columns: tuple[str, ...]
    by_severity: bool = False

    @property
    def corrupted(self) -> bool:
        """Whether numbers of corrupted images are in it."""
        return any((one := quantity_of(name)) is not None and one.needs_corruptions for name in self.columns)

    @property
    def told(self) -> tuple[str, ...]:
        """The columns that a sentence names: of the five severities the mildest, the middle and the worst."""
        return self.columns[::2] if self.by_severity else self.columns


def ratio_figures() -> list[RatioFigure]:
    """Return the figures, that of the clean images first."""
    by_severity = [one for one in metrics_known() if one.on == "severity" and not one.is_text]
    # ECE falls when accuracy collapses with low confidence, so wherever it is drawn, accuracy and NLL stand beside it.
    clean = tuple(name for name in compared_columns() if name not in {one.name for one in by_severity})
    first = RatioFigure(
        "ratio",
        "Accuracy and calibration by pruning ratio",
        "Accuracy and calibration against pruning ratio",
        clean,
    )
    return [first, *(_severities(one) for one in sorted(by_severity, key=lambda one: one.order))]


def _severities(one: Quantity) -> RatioFigure:
    name, words = _NAMED.get(one.name, (one.name.replace("_", "-"), labels.heading(one.name)))
    return RatioFigure(
        name,
        f"{words} by pruning ratio and severity",
        f"{words} against pruning ratio, by severity",
        tuple(f"{one.name}_s{severity}" for severity in SEVERITIES),
        by_severity=True,
    )
