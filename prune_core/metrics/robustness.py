"""Accuracy and calibration under corruption: mPC, rPC, pooled ECE, the worst corruption. Not mCE."""

from __future__ import annotations

import numpy as np

from prune_core.base.errors import BadInput
from prune_core.metrics.binning import bin_sums
from prune_core.metrics.calibration import plug_in_error
from prune_core.metrics.predictions import CellPredictions, Floats
from prune_core.metrics.registry import Metric, file_metric


def mpc(cells: CellPredictions) -> float:
    """Return the mean accuracy over corruptions and severities, in [0, 1]."""
    return float(cells.correct.mean())


def rpc(cells: CellPredictions) -> float:
    """Return mPC / clean accuracy, at least 0; 0 where the clean accuracy is 0.

    The clean accuracy is that of all clean images of the set, also where the cells cover a subset of them.
    """
    return mpc(cells) / cells.clean_accuracy if cells.clean_accuracy > 0 else 0.0


def cell_accuracy(cells: CellPredictions) -> Floats:
    """Return the accuracy of each cell, ``(C, S)``."""
    return np.asarray(cells.correct.mean(axis=2))


def pooled_ece(cells: CellPredictions, bins: int) -> float:
    """Return the ECE of all predictions of the given cells pooled, in [0, 1] (one severity: what the records hold)."""
    return plug_in_error(bin_sums(cells.confidence.ravel(), cells.correct.ravel(), bins))


def cell_ece(cells: CellPredictions, bins: int) -> Floats:
    """Return the ECE of each cell, ``(C, S)``.

    Raises:
        BadInput: a cell has fewer than 1,000 images; the bias of the estimate would be most of it.
    """
    if cells.correct.shape[2] < 1000:
        raise BadInput(f"ECE of single cells needs at least 1000 images each, got {cells.correct.shape[2]}")
    pairs = zip(
        cells.confidence.reshape(-1, cells.confidence.shape[2]),
        cells.correct.reshape(-1, cells.correct.shape[2]),
        strict=True,
    )
    each = [plug_in_error(bin_sums(confidence, correct, bins)) for confidence, correct in pairs]
    return np.array(each).reshape(cells.correct.shape[:2])


def worst_corruption(cells: CellPredictions) -> tuple[str, float]:
    """Return the corruption of the lowest mean accuracy over severities (the first one of a tie), and that accuracy."""
    means = cell_accuracy(cells).mean(axis=1)
    at = int(means.argmin())
    return cells.corruptions[at], float(means[at])


_MPC = "Michaelis et al. 2019 (arXiv:1907.07484)"
file_metric(
    Metric(
        "mpc",
        "mPC",
        lambda c, bins: mpc(c),
        "max",
        "fraction",
        0.0,
        1.0,
        _MPC,
        on="severity",
        format="percent",
        group="robustness",
        order=40,
    )
)
file_metric(
    Metric(
        "rpc",
        "rPC",
        lambda c, bins: rpc(c),
        "max",
        "ratio",
        0.0,
        None,
        _MPC,
        on="cells",
        format="percent",
        group="robustness",
        order=41,
        table=False,
        headline=False,
        panel=False,
    )
)
file_metric(
    Metric(
        "corruption_ece",
        "ECE under corruption",
        pooled_ece,
        "min",
        "fraction",
        0.0,
        1.0,
        "ECE pooled over the corruptions of a severity; overall the mean over severities",
        on="severity",
        format="percent",
        decimals=2,
        group="calibration",
        order=45,
        table=False,
        headline=False,
        panel=False,
    )
)
file_metric(
    Metric(
        "worst_corruption",
        "worst corruption",
        lambda c, bins: worst_corruption(c)[0],
        None,
        "name",
        None,
        None,
        "lowest mean accuracy over severities",
        on="cells",
        format="text",
        group="robustness",
        order=50,
        table=False,
        headline=False,
        panel=False,
        tracked=False,
    )
)
file_metric(
    Metric(
        "worst_corruption_accuracy",
        "accuracy, worst corruption",
        lambda c, bins: worst_corruption(c)[1],
        "max",
        "fraction",
        0.0,
        1.0,
        "lowest mean accuracy over severities",
        on="cells",
        format="percent",
        group="robustness",
        order=51,
        table=False,
        headline=False,
        panel=False,
    )
)
