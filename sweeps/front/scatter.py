"""The noise of candidates, estimated from seeds and base images, parted into what is shared and what is each one's own.

The candidates of a network start from the same baselines, so a seed moves them together; all networks are judged on the same
base images, so a sample of images moves them together. Three seeds say little about what is a candidate's own, so its
variance is pulled towards the median of its network's candidates (median: a collapsed one must not inflate the others).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sweeps.front.image_noise import main_effect

Array = NDArray[np.float64]
_PRIOR_FREEDOM = 4.0
"""Weight of the network's median variance, in degrees of freedom; a candidate's own weighs its seeds minus one."""


@dataclass(frozen=True)
class Scatter:
    """What is known of the noise of C candidates on N networks in M objectives.

    Attributes:
        network: ``(C,)`` the number of each candidate's network.
        error: ``(C, M)`` standard error of a candidate's mean against the others of its network.
        together: ``(M, M)`` correlation of the objectives within a candidate.
        shift: ``(N, K, M)``: what K independent standard normal numbers do to all candidates of a network.
        image_shift: ``(N, L, M)``: the same, with numbers that all networks share.
    """

    network: NDArray[np.int64]
    error: Array
    together: Array
    shift: Array
    image_shift: Array

    def draw_shifts(self, draws: int, stream: np.random.Generator) -> Array:
        """Draw what moves whole networks, ``(draws, N, M)``."""
        seeds = stream.standard_normal((draws, *self.shift.shape[:2]))
        images = stream.standard_normal((draws, self.image_shift.shape[1]))
        moved = np.einsum("dnk,nkm->dnm", seeds, self.shift) + np.einsum("dl,nlm->dnm", images, self.image_shift)
        return np.asarray(moved)

    def with_images(self, noise: Array) -> Scatter:
        """Return the scatter with that of the images added.

        Args:
            noise: ``(C, S, M, R)`` deviations on R resampled sets of images; a column with a NaN adds nothing.
        """
        noise = np.moveaxis(
            np.where(np.asarray(np.isnan(noise).any(axis=(0, 1, 3)))[:, None], 0.0, noise), 1, 2
        )  # (C, M, S, R)
        networks = np.stack([noise[self.network == n].mean(axis=0) for n in range(len(self.shift))])
        moved = networks - networks.mean(axis=0)
        moved_mean = moved.mean(axis=2)
        kept = np.sqrt(_share(main_effect(moved), moved_mean))
        own = noise - networks[self.network]
        spread = (own.mean(axis=2) ** 2).mean(axis=-1)
        added = np.zeros_like(spread)
        for n in range(len(self.shift)):
            at = np.flatnonzero(self.network == n)
            added[at] = spread[at] * _ratio(main_effect(own[at]).sum(axis=0), spread[at].sum(axis=0)) * _few(len(at))
        shift = np.moveaxis(moved_mean * kept[..., None], 2, 1) / np.sqrt(noise.shape[-1])
        return replace(self, error=np.sqrt(self.error**2 + added), image_shift=shift)


def scatter_of(values: Array, networks: NDArray[np.str_], fixed: Sequence[bool], *, adjusted: bool = False) -> Scatter:
    """Estimate the scatter over seeds.

    Args:
        values: ``(C, S, M)``, NaN where a seed is missing.
        networks: ``(C,)`` names.
        fixed: for each objective, whether it is a cost: then a candidate whose seeds agree has no noise.
        adjusted: whether the means to which the errors belong are free of what seeds do to all that have them.
    """
    residuals = values - np.nanmean(values, axis=1, keepdims=True)
    names, network = np.unique(networks, return_inverse=True)
    common = np.stack([_median(residuals[network == n]) for n in range(len(names))])
    common = common - common.mean(axis=1, keepdims=True)
    own = residuals - common[network]
    own = own - np.nanmean(own, axis=1, keepdims=True)
    error = np.zeros(values.shape[::2])
    for n in range(len(names)):
        at = np.flatnonzero(network == n)
        error[at] = np.sqrt(_moderated(own[at], np.array(fixed)) * _few(len(at)))
    if not adjusted:
        error = np.sqrt(error**2 + _unpaired(values, common, network))
    count = common.shape[1]
    shift = common * np.sqrt(_ratio(_moderated(common, np.ones(len(fixed), dtype=bool)), (common**2).sum(axis=1)))[:, None]
    return Scatter(
        network, error, _correlation(own), shift.reshape(len(names), count, -1), np.zeros((len(names), 0, len(fixed)))
    )


def _unpaired(values: Array, common: Array, network: NDArray[np.int64]) -> Array:
    """What seeds that others lack add to the squared error of a mean, ``(C, M)``: their common part does not cancel there.

    0 where all candidates of a network have the same seeds.
    """
    count = (~np.isnan(values)).sum(axis=1).astype(float)
    least = np.stack([count[network == n].min(axis=0) for n in range(len(common))])[network]
    spread = (common**2).sum(axis=1) / max(common.shape[1] - 1, 1)
    return np.asarray(spread[network] * np.maximum(1 / np.maximum(least, 1.0) - 1 / np.maximum(count, 1.0), 0.0))


def _median(residuals: Array) -> Array:
    """Return the median over candidates, ``(S, M)``; 0 for a seed that none has."""
    known = ~np.isnan(residuals).all(axis=0)
    return np.where(known, np.nanmedian(np.where(known, residuals, 0.0), axis=0), 0.0)


def _moderated(residuals: Array, fixed: NDArray[np.bool_]) -> Array:
    """Return the squared standard errors of the means, ``(C, M)``, from residuals ``(C, S, M)``."""
    count = (~np.isnan(residuals)).sum(axis=1).astype(float)
    squares = np.nansum(residuals**2, axis=1)
    freedom = np.maximum(count - 1.0, 1.0)
    # The median of a chi-square variable with d degrees of freedom is close to d (1 - 2/(9 d))^3.
    unbiased = squares / freedom / (1.0 - 2.0 / (9.0 * freedom)) ** 3
    vary = [one[one > 0] if still and (one > 0).any() else one for one, still in zip(unbiased.T, fixed, strict=True)]
    typical = np.array([np.median(one) for one in vary])
    variance = (squares + _PRIOR_FREEDOM * typical) / (freedom + _PRIOR_FREEDOM)
    return np.asarray(np.where(fixed & (squares == 0), 0.0, variance) / np.maximum(count, 1.0))


def _correlation(own: Array) -> Array:
    """Return the correlation of the objectives within a candidate, pooled over candidates of equal say."""
    size = np.sqrt(np.nanmean(own**2, axis=1, keepdims=True))
    scaled = np.nan_to_num(own / np.where(size > 0, size, 1.0)).reshape(-1, own.shape[2])
    product = scaled.T @ scaled
    root = np.sqrt(np.diag(product))
    safe = np.where(root > 0, root, 1.0)
    result = 0.99 * product / safe / safe[:, None]
    np.fill_diagonal(result, 1.0)
    return np.asarray(result)


def _few(candidates: int) -> float:
    """What is subtracted as common takes a part of each candidate's own with it."""
    return candidates / (candidates - 1.0) if candidates > 1 else 1.0


def _share(part: Array, mean: Array) -> Array:
    return np.minimum(_ratio(part, (mean**2).mean(axis=-1)), 1.0)


def _ratio(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
