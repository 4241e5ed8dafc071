"""Bins of confidence: equal width (lo, hi], or equal mass with ties kept together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from prune_core.base.errors import BadInput
from prune_core.metrics.predictions import Floats, Integers

Binning = Literal["equal_width", "equal_mass"]


def bin_edges(bins: int) -> Floats:
    """Return the edges 0, 1/bins, ..., 1, each the double nearest to its fraction."""
    if isinstance(bins, bool) or not isinstance(bins, int | np.integer) or bins < 1:
        raise BadInput(f"bins must be a positive integer, got {bins!r}")
    return np.asarray(np.arange(bins + 1) / bins)


def assign_bins(confidence: npt.NDArray[Any], bins: int, binning: str = "equal_width") -> Integers:
    """Return the bin of each confidence, ``(N,)``, 0 .. bins-1.

    ``equal_width``: intervals (lo, hi]; 0 goes into the first. ``equal_mass``: stable sort, the groups of
    ``numpy.array_split``, then every tie moves to the group of its first member, so that the order of the images
    changes nothing.

    Raises:
        BadInput: bins is no positive integer, or the binning is neither of the two.
    """
    edges = bin_edges(bins)
    if binning == "equal_width":
        return np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1).astype(np.int64)
    if binning != "equal_mass":
        raise BadInput(f"binning must be equal_width or equal_mass, got {binning!r}")
    count = len(confidence)
    order = np.argsort(confidence, kind="stable")
    sizes = np.full(bins, count // bins)
    sizes[: count % bins] += 1
    groups = np.repeat(np.arange(bins), sizes)
    ordered = confidence[order]
    assigned = np.empty(count, np.int64)
    assigned[order] = groups[np.searchsorted(ordered, ordered, side="left")]
    return assigned


@dataclass(frozen=True)
class BinSums:
    """Per bin: images, summed confidence, summed correctness; each ``(bins,)`` float64."""

    count: Floats
    confidence: Floats
    correct: Floats

    @property
    def gap(self) -> Floats:
        """Mean confidence minus accuracy of each bin; 0 where it is empty."""
        return np.asarray((self.confidence - self.correct) / np.maximum(self.count, 1.0))

    @property
    def weight(self) -> Floats:
        """The share of the images in each bin."""
        return np.asarray(self.count / self.count.sum())


def bin_sums(confidence: npt.NDArray[Any], correct: npt.NDArray[Any], bins: int, binning: str = "equal_width") -> BinSums:
    """Sum up each bin of ``(N,)`` confidences and correctness."""
    at = assign_bins(confidence, bins, binning)
    images, summed, right = (np.bincount(at, weights=w, minlength=bins) for w in (None, confidence, correct))
    return BinSums(images.astype(np.float64), summed.astype(np.float64), right.astype(np.float64))
