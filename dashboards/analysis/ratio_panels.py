"""The three figures by pruning ratio: which columns stand side by side."""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.analysis.points import SEVERITIES


@dataclass(frozen=True)
class RatioFigure:
    """One figure by ratio: its name, what it is called, and the columns of its panels."""

    name: str
    heading: str
    columns: tuple[str, ...]


# ECE falls when accuracy collapses with low confidence, so wherever it is drawn, accuracy and NLL stand beside it.
CLEAN = RatioFigure("ratio", "Accuracy and calibration by pruning ratio", ("accuracy", "ece", "nll"))
ROBUST = RatioFigure(
    "robustness", "Accuracy under corruption by pruning ratio and severity", tuple(f"mpc_s{s}" for s in SEVERITIES)
)
SHIFTED = RatioFigure(
    "calibration-shift",
    "Calibration under corruption by pruning ratio and severity",
    tuple(f"corruption_ece_s{s}" for s in SEVERITIES),
)
RATIO_FIGURES = (CLEAN, ROBUST, SHIFTED)
