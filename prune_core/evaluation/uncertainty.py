"""Intervals of one network's metrics and of the difference of two, from kept logits. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prune_core.base.errors import BadInput
from prune_core.evaluation.logits import LogitSet
from prune_core.metrics.binning import assign_bins
from prune_core.metrics.bootstrap import Interval, percentile_interval, resampled_means, resampling_counts
from prune_core.metrics.calibration_interval import (
    GapSums,
    calibration_difference,
    calibration_interval,
    gap_contributions,
    gap_sums,
)
from prune_core.metrics.likelihood import image_brier, image_nll
from prune_core.metrics.predictions import CellPredictions, Floats, Predictions


@dataclass(frozen=True)
class Resampled:
    """Means ``{column: (value, (R,))}`` and calibration errors ``{column: gaps}`` over the same resamples."""

    means: dict[str, tuple[float, Floats]]
    gaps: dict[str, GapSums]


def intervals(
    logits: LogitSet, *, bins: int = 15, resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> dict[str, Interval]:
    """Return an interval by column: accuracy, NLL, Brier score, mean confidence, the three ECEs, and where there are cells
    mPC, rPC and pooled ECE, overall and per severity.

    That of an ECE is the interval of the true one; ``ece`` and ``ece_debiased`` estimate the same and share it. The borders
    of equal-mass bins are those of the images at hand.

    Base images are resampled, each with everything that was made of it (`prune_core.metrics.bootstrap`). The intervals speak
    of these images and this network; what another training seed would give is not in them.

    Raises:
        BadInput: fewer than 2 images.
        Diverged: a logit is not finite.
    """  # noqa: D205
    found = resample(logits, bins, resamples, seed)
    answer = {name: percentile_interval(value, drawn, level) for name, (value, drawn) in found.means.items()}
    return answer | {name: calibration_interval(sums, level) for name, sums in found.gaps.items()}


def paired_intervals(
    network: LogitSet, other: LogitSet, *, bins: int = 15, resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> dict[str, Interval]:
    """Return intervals of the differences network - other, by the columns of `intervals`, on the same resampled images.

    Raises:
        BadInput: the two were not judged on the same images.
        Diverged: a logit is not finite.
    """
    check_same_images(network, other)
    one, two = resample(network, bins, resamples, seed), resample(other, bins, resamples, seed)
    answer = {
        name: percentile_interval(value - two.means[name][0], drawn - two.means[name][1], level)
        for name, (value, drawn) in one.means.items()
        if name in two.means
    }
    gaps = {name: (sums, two.gaps[name]) for name, sums in one.gaps.items() if name in two.gaps}
    return answer | {name: calibration_difference(*pair, level) for name, pair in gaps.items()}


def check_same_images(network: LogitSet, other: LogitSet) -> None:
    """Raise `BadInput` unless both were judged on the same labels and the same cells."""
    if not np.array_equal(network.labels, other.labels):
        raise BadInput("the two networks were judged on different images: their labels differ")
    if network.cells and other.cells:
        same = np.array_equal(network.cell_index, other.cell_index) and list(network.cells) == list(other.cells)
        if not same:
            raise BadInput("the two networks were judged on different corruptions or different images of them")


def resample(logits: LogitSet, bins: int, resamples: int, seed: int = 0) -> Resampled:
    """Return every metric of a set of logits on the same resampled base images for every network judged on them."""
    clean, cells = logits.predictions(), logits.averaged_predictions()
    counts = resampling_counts(len(clean.labels), resamples, seed)
    found = Resampled(_clean_means(clean, counts), _clean_gaps(clean, bins, counts))
    if cells is not None:
        _add_cells(found, cells, bins, counts[:, logits.cell_index])
    return found


def _clean_means(clean: Predictions, counts: Floats) -> dict[str, tuple[float, Floats]]:
    each = {
        "accuracy": clean.correct.astype(np.float64),
        "nll": image_nll(clean),
        "brier": image_brier(clean),
        "mean_confidence": clean.confidence,
    }
    drawn = resampled_means(np.stack(list(each.values()), axis=1), counts)
    return {name: (float(values.mean()), drawn[:, at]) for at, (name, values) in enumerate(each.items())}


def _clean_gaps(clean: Predictions, bins: int, counts: Floats) -> dict[str, GapSums]:
    def gaps(binning: str) -> GapSums:
        at = assign_bins(clean.confidence, bins, binning)
        return gap_sums(gap_contributions(clean.confidence, clean.correct, at, bins), counts)

    plain = gaps("equal_width")
    # Plug-in and debiased estimate the same true ECE: one interval.
    return {"ece": plain, "ece_mass": gaps("equal_mass"), "ece_debiased": plain}


def _add_cells(found: Resampled, cells: CellPredictions, bins: int, counts: Floats) -> None:
    per_image = cells.correct.mean(axis=0).T
    drawn = resampled_means(per_image, counts)
    for at, severity in enumerate(cells.severities):
        found.means[f"mpc_s{severity}"] = (float(per_image[:, at].mean()), drawn[:, at])
    mpc, resampled = float(per_image.mean()), drawn.mean(axis=1)
    found.means["mpc"] = (mpc, resampled)
    accuracy, accuracies = found.means["accuracy"]
    if accuracy > 0 and accuracies.min() > 0:
        found.means["rpc"] = (mpc / accuracy, resampled / accuracies)
    stacked = []
    for at, severity in enumerate(cells.severities):
        confidence, correct = cells.confidence[:, at], cells.correct[:, at]
        bins_at = assign_bins(confidence.ravel(), bins).reshape(confidence.shape)
        stacked.append(gap_contributions(confidence, correct, bins_at, bins))
        found.gaps[f"corruption_ece_s{severity}"] = gap_sums(stacked[-1], counts)
    # The mean over severities of sums of absolute gaps is one sum over all their bins.
    found.gaps["corruption_ece"] = gap_sums(np.concatenate(stacked, axis=1) / len(stacked), counts)
