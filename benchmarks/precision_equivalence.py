"""Whether another precision trains networks that are as good: the same trainings in pairs, and two one-sided tests.

``python -m benchmarks.precision_equivalence --precision bf16 --seeds 10 --device cuda`` trains a network by the same recipe,
seeds and images in fp32 and in another precision, judges both in fp32, and says for accuracy, ECE and mPC whether the mean
difference lies within a margin that was declared before (two one-sided t tests, Schuirmann 1987, each at 5 %: the 90 %
interval of the mean lies within the margins). Only then may a precision become a default. Needs SciPy, for Student's t.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from prune_core.corruptions import SEVERITIES, STANDARD, corrupt
from prune_core.data import load_dataset
from prune_core.evaluation.evaluation import forward_logits
from prune_core.metrics import calibration_error
from prune_core.networks import build_network
from prune_core.training import DeviceData, Recipe, prepare_runtime, train

MARGINS = {"accuracy": 0.005, "ece": 0.005, "mpc": 0.01}
"""Declared: what a user of a network would not notice. Fractions, of the absolute value of the mean difference."""
LEVEL = 0.05


@dataclass(frozen=True)
class Verdict:
    """What the pairs say of one metric.

    Attributes:
        mean: of the differences, other precision less fp32.
        low: end of the interval of the mean, at 1 - 2 `LEVEL`.
        high: its other end.
        margin: that it has to lie within.
        p: the larger of the two one-sided p values.
    """

    mean: float
    low: float
    high: float
    margin: float
    p: float

    @property
    def equivalent(self) -> bool:
        """Whether both tests reject: the difference is smaller than the margin, either way."""
        return self.p < LEVEL


def verdict(differences: Sequence[float], margin: float) -> Verdict:
    """Return the two one-sided t tests of paired differences against plus and minus a margin.

    Raises:
        ValueError: fewer than two pairs.
    """
    from scipy.stats import t

    if len(differences) < 2:
        raise ValueError("two pairs at least")
    values = np.asarray(differences, dtype=float)
    mean, error, free = float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values))), len(values) - 1
    if error == 0:
        p = 0.0 if abs(mean) < margin else 1.0
    else:
        p = max(float(t.sf((mean + margin) / error, free)), float(t.cdf((mean - margin) / error, free)))
    half = float(t.ppf(1 - LEVEL, free)) * error
    return Verdict(mean, mean - half, mean + half, margin, p)


def verdicts(pairs: Sequence[tuple[Mapping[str, float], Mapping[str, float]]]) -> dict[str, Verdict]:
    """Return the verdict on each metric of `MARGINS`, from pairs of (fp32, other)."""
    return {name: verdict([other[name] - plain[name] for plain, other in pairs], margin) for name, margin in MARGINS.items()}


def judged(given: argparse.Namespace, precision: str, seed: int, images: Mapping[str, Any]) -> dict[str, float]:
    """Train one network in a precision, and return accuracy, ECE and mPC as fractions, judged in fp32."""
    device = prepare_runtime(device=given.device, seed=seed)
    network = build_network(given.network, num_classes=images["classes"], in_channels=images["train"].shape[3]).to(device)
    rate = {"learning_rate": given.learning_rate, "schedule": "cosine", "augmentation": given.augmentation}
    recipe = Recipe.from_dict({"epochs": given.epochs, "batch_size": 64, "precision": precision, **rate})
    mean, std = images["mean"], images["std"]
    data = DeviceData.of(
        images["train"], images["train_labels"], mean=mean, std=std, augmentation=given.augmentation, device=device
    )
    train(network, data, recipe, epochs_from=0, epochs_to=given.epochs, stream=("equivalence", seed))
    labels = images["test_labels"]

    def hits(pictures: Any) -> tuple[float, Any]:
        logits = forward_logits(network, pictures, mean, std, device=device)
        return float((logits.argmax(1) == labels).mean()), logits

    accuracy, logits = hits(images["test"])
    probabilities = torch.from_numpy(logits).double().softmax(1).numpy()
    cells = [hits(cell)[0] for cell in images["corrupted"]]
    return {"accuracy": accuracy, "ece": calibration_error(probabilities, labels), "mpc": float(np.mean(cells))}


def images_of(name: str, train_images: int, test_images: int, corruptions: Sequence[str]) -> dict[str, Any]:
    """Return training and test images of a dataset, and the test images under every corruption and severity."""
    dataset = load_dataset(name)
    if dataset.test_images is None or dataset.test_labels is None:  # the last ones then
        test, labels = dataset.train_images[-test_images:], dataset.train_labels[-test_images:]
        train_images = min(train_images, len(dataset.train_images) - test_images)
    else:
        test, labels = dataset.test_images[:test_images], dataset.test_labels[:test_images]
    return {
        "train": np.asarray(dataset.train_images[:train_images]),
        "train_labels": np.asarray(dataset.train_labels[:train_images]),
        "test": np.asarray(test),
        "test_labels": np.asarray(labels),
        "corrupted": [corrupt(np.asarray(test), each, severity) for each in corruptions for severity in SEVERITIES],
        "mean": dataset.mean,
        "std": dataset.std,
        "classes": len(dataset.classes),
    }


def main(arguments: list[str] | None = None) -> int:
    """Train the pairs, say and write the verdicts; return 1 where one is not equivalent."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--precision", choices=("tf32", "bf16"), default="bf16")
    parser.add_argument("--network", default="resnet20")
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--augmentation", default="crop_flip")
    parser.add_argument("--train-images", type=int, default=50_000)
    parser.add_argument("--test-images", type=int, default=10_000)
    parser.add_argument("--corruptions", nargs="+", default=list(STANDARD))
    parser.add_argument("--out", type=Path, help="file of JSON")
    given = parser.parse_args(arguments)
    images = images_of(given.data, given.train_images, given.test_images, given.corruptions)
    pairs = []
    for seed in range(given.seeds):
        pairs.append((judged(given, "fp32", seed, images), judged(given, given.precision, seed, images)))
        print(f"seed {seed}: fp32 {_text(pairs[-1][0])}; {given.precision} {_text(pairs[-1][1])}", flush=True)
    found = verdicts(pairs)
    for name, each in found.items():
        outcome = "equivalent" if each.equivalent else "not shown to be equivalent"
        interval = f"{each.mean:+.4f} [{each.low:+.4f}, {each.high:+.4f}]"
        print(f"{name:9} {interval} within {each.margin:g}: {outcome}, p {each.p:.3g}")
    if given.out is not None:
        settings = {name: str(value) for name, value in vars(given).items()}
        written = {"settings": settings, "pairs": pairs, "verdicts": {name: vars(each) for name, each in found.items()}}
        given.out.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    return 0 if all(each.equivalent for each in found.values()) else 1


def _text(found: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in found.items())


if __name__ == "__main__":
    sys.exit(main())
