"""Train the network that docs/judging.md judges: ResNet-8 on a part of CIFAR-10, minutes on one core.

`python -m benchmarks.train_one cifar10-resnet8.safetensors`
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from prune_core.data import load_dataset, split_dataset
from prune_core.networks import build_network
from prune_core.pruning import save_network
from prune_core.training import DeviceData, Recipe, prepare_runtime, train

IMAGES, EPOCHS = 10_000, 12
RECIPE = Recipe(
    epochs=EPOCHS, learning_rate=0.1, schedule="cosine", augmentation="crop_flip", weight_decay=5e-4, nesterov=True
)


def main(target: Path) -> None:
    """Train from seed 0 and write the network to one file."""
    prepare_runtime(threads=1, seed=0)
    data = load_dataset("cifar10")
    part = split_dataset(data, 0, validation=0, test=None, train=IMAGES).train
    pixels = DeviceData.of(part.array(), part.labels, mean=data.mean, std=data.std, augmentation=RECIPE.augmentation)
    network = build_network("resnet8", width=16)
    started = time.monotonic()

    def say(epoch: int, numbers: dict[str, float]) -> None:
        print(f"epoch {epoch}: accuracy {numbers['accuracy']:.3f}, {time.monotonic() - started:.0f} s", flush=True)

    train(network, pixels, RECIPE, epochs_from=0, epochs_to=EPOCHS, stream=("benchmarks.train_one", 0), on_epoch=say)
    save_network(network, target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
