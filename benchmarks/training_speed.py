"""Images per second of one thread in training, against a plain DataLoader, and in evaluation.

Run from the repository's root: ``python -m benchmarks.training_speed [--threads 1] [--images 3000]``. Each number is the
best of three epochs; on a shared machine trust the ratios of one run.
"""

from __future__ import annotations

import argparse
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from prune_core.data import Dataset, load_dataset
from prune_core.evaluation.evaluation import forward_logits
from prune_core.networks import build_network
from prune_core.training import DeviceData, Recipe, prepare_runtime, train

NETWORKS = (("small_vgg", 16), ("resnet8", 8))
BATCH = 64


def made(name: str, width: int) -> nn.Module:
    """Return a fresh network for gray images."""
    torch.manual_seed(0)
    return build_network(name, num_classes=10, in_channels=1, width=width)


def by_loader(network: nn.Module, dataset: Dataset, count: int) -> float:
    """One epoch as most scripts do it: float images one by one through a DataLoader, torch's SGD, no augmentation."""
    images = torch.from_numpy(dataset.train_images[:count].copy()).permute(0, 3, 1, 2).float().div(255)
    loader = DataLoader(
        TensorDataset(images, torch.from_numpy(dataset.train_labels[:count].copy())), batch_size=BATCH, shuffle=True
    )
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    network.train()
    started = time.perf_counter()
    for batch, labels in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(batch), labels).backward()
        optimizer.step()
    return time.perf_counter() - started


def by_ours(network: nn.Module, dataset: Dataset, count: int, recipe: Recipe) -> float:
    """One epoch of `prune_core.training.train`."""
    data = DeviceData.of(
        dataset.train_images[:count],
        dataset.train_labels[:count],
        mean=dataset.mean,
        std=dataset.std,
        augmentation=recipe.augmentation,
    )
    return train(network, data, recipe, epochs_from=0, epochs_to=1, stream=("speed",)).seconds


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--images", type=int, default=3000)
    chosen = parser.parse_args()
    prepare_runtime(threads=chosen.threads)
    dataset = load_dataset("mnist5k")
    ways = {
        "DataLoader, torch SGD": lambda network: by_loader(network, dataset, chosen.images),
        "ours": lambda network: by_ours(network, dataset, chosen.images, Recipe(epochs=1)),
        "ours, shift": lambda network: by_ours(network, dataset, chosen.images, Recipe(epochs=1, augmentation="shift")),
        "ours, bf16": lambda network: by_ours(network, dataset, chosen.images, Recipe(epochs=1, precision="bf16")),
    }
    for name, width in NETWORKS:
        for way, run in ways.items():
            best = min(run(made(name, width)) for _ in range(3))
            print(f"{name:10} width {width:2}  training    {way:22} {chosen.images / best:8.0f} images/s")
        network = made(name, width)
        seconds = []
        for _ in range(3):
            started = time.perf_counter()
            forward_logits(network, dataset.train_images[: chosen.images], dataset.mean, dataset.std)
            seconds.append(time.perf_counter() - started)
        print(f"{name:10} width {width:2}  evaluation  {'ours':22} {chosen.images / min(seconds):8.0f} images/s")


if __name__ == "__main__":
    main()
