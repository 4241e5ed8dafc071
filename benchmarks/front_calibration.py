"""How well the frequency of a place on the front agrees with the truth: simulated studies whose true front is known.

``python -m benchmarks.front_calibration [--studies N]`` prints, for each kind of study, how far the share of true places is
from the frequency (five bins, mean weighted by their size), for this product's frequency and for plain resampling around the
observed means.

A study: four methods at six ratios on one network, or on two; accuracy, ECE and mPC fall along a curve with a knee, of which
methods depart by ``apart`` seed deviations, in level, in slope and ratio by ratio; collapsed networks scatter more; a seed
moves all candidates of a network; the base images move all candidates, and each one a little otherwise, in part alike for
the seeds. No departure is exactly 0: two candidates of equal cost are never equally good.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prune_core.metrics import Direction
from sweeps.front.membership import front_frequencies
from sweeps.front.volume import fronts_of_draws, non_dominated

Array = NDArray[np.float64]
OBJECTIVES: dict[str, Direction] = {"accuracy": "max", "ece": "min", "mpc": "max", "nonzero_parameters": "min"}
SEED = np.array([0.004, 0.003, 0.008])
"""Standard deviation over seeds of the three metrics."""
RESAMPLES = 128
ALIKE = np.array([[1.0, 0.0, 0.8], [0.0, 1.0, 0.0], [0.0, 0.0, 0.6]])
"""Accuracy and mPC of one network move together."""


@dataclass(frozen=True)
class Simulated:
    """One study: ``(C, S, M)`` values, networks, arms, ``(C, S, M, R)`` image deviations or None, and the true front."""

    values: Array
    networks: NDArray[np.str_]
    arms: NDArray[np.str_]
    noise: Array | None
    front: NDArray[np.bool_]


def simulate(stream: np.random.Generator, *, seeds: int, apart: float, images: float = 0.0, networks: int = 1) -> Simulated:
    """Simulate a study; ``images`` is the standard deviation of what images do to one candidate, in seed deviations."""
    parts = [_truth(stream, apart) for _ in range(networks)]
    true, cost = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    names = np.repeat([f"net{n}" for n in range(networks)], [len(part[1]) for part in parts])
    arms = np.array([f"{name}-{at // 6}" for at, name in enumerate(names)])
    wide = 1.0 + 20.0 * np.clip(0.97 - true[:, :1], 0.0, None)
    own = stream.normal(size=(len(true), seeds, 3)) @ ALIKE
    shared = stream.normal(size=(networks, seeds, 3))[np.searchsorted(np.unique(names), names)]
    values = true[:, None] + 0.7 * SEED * (own * wide[:, None] + shared)
    noise = None
    if images:
        drawn = _image_effects(stream, len(true), seeds, RESAMPLES + 1) * images * SEED[:, None]
        values, noise = values + drawn[..., 0], drawn[..., 1:]
    costs = np.broadcast_to(cost[:, None, None], (*values.shape[:2], 1))
    front = non_dominated(np.column_stack([true, cost]), list(OBJECTIVES.values()))
    filled = None if noise is None else np.concatenate([noise, np.zeros((*noise.shape[:2], 1, RESAMPLES))], axis=2)
    return Simulated(np.concatenate([values, costs], axis=2), names, arms, filled, front)


def _truth(stream: np.random.Generator, apart: float) -> tuple[Array, Array]:
    kept = 1.0 - np.linspace(0.2, 0.9, 6)
    knee = stream.uniform(1.2, 3.0)
    true, cost = [], []
    for method in range(4):
        level, slope = (stream.normal(size=3) * apart * SEED for _ in range(2))
        own_knee = knee * np.exp(0.15 * min(apart, 2.0) * stream.normal())
        for share in kept:
            removed = -np.log(share) * (1.0 if method % 2 else 1.15)
            harm = removed / own_knee
            lost = 0.002 * harm + 0.5 / (1.0 + np.exp(-6.0 * (harm - 1.5)))
            metrics = np.array([0.97 - lost, 0.02 + 0.01 * harm + 0.2 * lost, 0.85 - 1.3 * lost - 0.01 * harm])
            true.append(metrics + level + slope * (removed - 1.0) + 0.5 * apart * SEED * stream.normal(size=3))
            cost.append(1e4 * np.exp(-removed))
    return np.array(true), np.array(cost)


def _image_effects(stream: np.random.Generator, candidates: int, seeds: int, draws: int) -> Array:
    """Return ``(C, S, 3, draws)``: shared by all, by the seeds of a candidate, and by nobody."""
    everybody = stream.normal(size=(1, 1, 3, draws))
    candidate = stream.normal(size=(candidates, 1, 3, draws))
    nobody = stream.normal(size=(candidates, seeds, 3, draws))
    return 2.0 * everybody + candidate + nobody


def frequencies(study: Simulated) -> Array:
    """Return the product's frequency."""
    everybody = [np.arange(len(study.values))]
    return front_frequencies(study.values, study.networks, study.arms, OBJECTIVES, everybody, noise=study.noise, draws=200)


def plain(study: Simulated) -> Array:
    """Return the frequency of resampling seeds around the observed means: what is not calibrated."""
    stream = np.random.default_rng(0)
    seeds = study.values.shape[1]
    rest = study.values - study.values.mean(axis=1, keepdims=True)
    weights = stream.standard_normal((200, seeds)) / np.sqrt(seeds * (seeds - 1))
    drawn = study.values.mean(axis=1) + np.einsum("ds,csm->dcm", weights, rest)
    signs = np.array([1.0 if way == "min" else -1.0 for way in OBJECTIVES.values()])
    return np.asarray(fronts_of_draws(drawn * signs).mean(axis=0))


def gap(frequency: Array, truth: NDArray[np.bool_], bins: int = 5) -> float:
    """Return the mean over candidates of how far the share of true places in a bin is from the frequency in it."""
    at = np.minimum((frequency * bins).astype(int), bins - 1)
    parts = [(at == b).sum() * abs(frequency[at == b].mean() - truth[at == b].mean()) for b in np.unique(at)]
    return float(sum(parts) / len(at))


def gap_of(rule: Callable[[Simulated], Array], studies: int, kind: dict[str, float], seed: int = 5) -> float:
    """Return the gap over simulated studies of one kind."""
    stream = np.random.default_rng(seed)
    found = [simulate(stream, **kind) for _ in range(studies)]  # type: ignore[arg-type]
    return gap(np.concatenate([rule(one) for one in found]), np.concatenate([one.front for one in found]))


KINDS: list[dict[str, float]] = [
    {"seeds": seeds, "apart": apart, "images": images, "networks": networks}
    for seeds in (3, 5)
    for images, networks in ((0.0, 1), (0.5, 1), (0.5, 2))
    for apart in (0.03, 0.1, 0.3, 1.0, 3.0)
]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=150)
    studies = parser.parse_args().studies
    print("seeds  networks  images  apart    gap  gap of plain resampling")
    for kind in KINDS:
        ours, theirs = gap_of(frequencies, studies, kind), gap_of(plain, studies, kind)
        line = f"{kind['seeds']:5g} {kind['networks']:9g} {kind['images']:7g} {kind['apart']:6g}"
        print(f"{line} {ours:6.3f} {theirs:8.3f}", flush=True)


if __name__ == "__main__":
    main()
