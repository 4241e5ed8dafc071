"""How often the 95 % intervals of the ECE hold the true one, in worlds whose truth is known.

    python -m benchmarks.interval_coverage [--images 400] [--worlds 300] [--binning equal_width]

A world: images of shared difficulty; corrupted pictures share the luck of their image to a degree (correlation of a Gaussian
copula); the network's confidence has log-odds ``odds``, the truth ``sharpness * odds - offset``. Sharpness 1 and offset 0
are perfect calibration. Beside the intervals of the product those of the percentile bootstrap, which are of no use here.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from scipy.special import ndtr

from prune_core.metrics.binning import assign_bins
from prune_core.metrics.bootstrap import percentile_interval, resampling_counts
from prune_core.metrics.calibration_interval import GapSums, calibration_interval, gap_contributions, gap_sums

BINS, SEVERITIES, RESAMPLES = 15, 5, 300
WORLDS = [
    # sharpness, offset, corruptions, correlation
    (0.55, 0.0, 1, 0.0),
    (0.8, 0.0, 1, 0.0),
    (1.0, 0.0, 1, 0.0),
    (0.55, 0.0, 15, 0.5),
    (0.9, 0.0, 15, 0.5),
    (1.0, 0.0, 15, 0.5),
    (1.2, 0.0, 15, 0.5),
    (1.0, 0.3, 15, 0.5),
    (1.0, 0.15, 15, 0.7),
]


def pictures(images: int, seed: int, world: tuple[float, float, int, float]) -> tuple[Any, Any]:
    """Return confidence and correctness, each (corruptions, severities, images)."""
    sharpness, offset, corruptions, correlation = world
    draw = np.random.default_rng(seed)
    difficulty, luck = draw.normal(2.0, 1.2, images), draw.normal(size=images)
    shape = (corruptions, SEVERITIES, images)
    odds = np.maximum(difficulty + draw.normal(0, 0.8, shape) - np.linspace(0.3, 1.5, SEVERITIES)[:, None], -0.5)
    chance = ndtr(np.sqrt(correlation) * luck + np.sqrt(1 - correlation) * draw.normal(size=shape))
    return 1 / (1 + np.exp(-odds)), chance < 1 / (1 + np.exp(offset - sharpness * odds))


def contributions(confidence: Any, right: Any, binning: str) -> Any:
    """Return what each image adds to the gaps of all severities, (images, severities * bins)."""
    found = []
    for severity in range(SEVERITIES):
        at = assign_bins(confidence[:, severity].ravel(), BINS, binning).reshape(confidence[:, severity].shape)
        found.append(gap_contributions(confidence[:, severity], right[:, severity], at, BINS))
    return np.concatenate(found, axis=1) / SEVERITIES


def truth(world: tuple[float, float, int, float], binning: str) -> float:
    """Return the true mean over severities of the pooled ECE, from two million pictures per severity."""
    rounds, images = 8, 250_000 // world[2]
    gaps = [contributions(*pictures(images, 10**6 + each, world), binning).mean(axis=0) for each in range(rounds)]
    return float(np.abs(np.mean(gaps, axis=0)).sum())


def percentile(sums: GapSums) -> Any:
    """Return what the percentile bootstrap says."""
    return percentile_interval(sums.plug_in, sums.resampled)


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--worlds", type=int, default=300)
    parser.add_argument("--binning", default="equal_width")
    given = parser.parse_args()
    print(f"{given.images} images, {given.worlds} worlds each, {BINS} bins, {given.binning}")
    print("sharpness offset corruptions correlation   true ECE   covered   mean width   by percentiles")
    for world in WORLDS:
        true = truth(world, given.binning)
        held, by_percentile, width = 0, 0, 0.0
        for seed in range(given.worlds):
            counts = resampling_counts(given.images, RESAMPLES, seed)
            sums = gap_sums(contributions(*pictures(given.images, seed, world), given.binning), counts)
            ours, theirs = calibration_interval(sums), percentile(sums)
            held += ours.low <= true <= ours.high
            by_percentile += theirs.low <= true <= theirs.high
            width += (ours.high - ours.low) / given.worlds
        shares = (100 * held / given.worlds, 100 * by_percentile / given.worlds)
        print(
            f"{world[0]:9} {world[1]:6} {world[2]:11} {world[3]:11} {true:10.4f} {shares[0]:7.1f} % {width:12.4f} "
            f"{shares[1]:14.1f} %",
            flush=True,
        )


if __name__ == "__main__":
    main()
