"""One training of a network, to be measured beside others like it; a process of its own, as a trial is.

Says how many bytes of the device it takes, waits for a line, trains for some seconds, and says how many steps per second.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from prune_core.base.plugins import import_plugins
from prune_core.networks import build_network
from prune_core.training import DeviceData, Recipe, Session, prepare_runtime, train
from prune_core.trial.description import BaselineDescription
from sweeps.cost.sizes import Sizes

STEPS = 100
"""Of one epoch that is measured: enough that its capture is worth its while."""


def main() -> None:
    """Read what to train from the first line, and the word to begin from the second."""
    asked = json.loads(sys.stdin.readline())
    import_plugins(asked["plugins"], asked["plugin_paths"])
    device = prepare_runtime(device=asked["device"], threads=asked["threads"])
    work = training(BaselineDescription.from_plain(asked["baseline"]), Sizes(**asked["sizes"]), str(device), asked["steps"])
    work()
    print(json.dumps({"bytes": used_bytes(device)}), flush=True)  # noqa: T201  (the answer to who started this)
    sys.stdin.readline()
    done, started = 0, time.perf_counter()
    while done == 0 or time.perf_counter() - started < asked["seconds"]:
        work()
        done += int(asked["steps"])
    print(json.dumps({"rate": done / (time.perf_counter() - started)}), flush=True)  # noqa: T201


def training(baseline: BaselineDescription, sizes: Sizes, device: str, steps: int) -> Callable[[], None]:
    """Return an epoch of so many whole steps on made-up images, with its graph kept from call to call."""
    height, width, channels = sizes.shape
    recipe = replace(baseline.training or Recipe(), epochs=1, schedule="constant", milestones=())
    described = baseline.network
    network = build_network(described.name, num_classes=sizes.classes, in_channels=channels, **described.options).to(device)
    draw = np.random.default_rng(0)
    count = steps * recipe.batch_size
    images, labels = draw.integers(0, 256, (count, *sizes.shape), dtype=np.uint8), draw.integers(0, sizes.classes, count)
    mean, std = [0.5] * channels, [0.25] * channels
    data = DeviceData.of(images, labels, mean=mean, std=std, augmentation=recipe.augmentation, device=device)
    session = Session.on(data.padded.device)

    def work() -> None:
        train(network, data, recipe, epochs_from=0, epochs_to=1, stream=("share",), session=session)

    return work


def used_bytes(device: torch.device) -> int:
    """Return what this process takes of a GPU: what torch holds at most, and CUDA's context; 0 on a CPU."""
    return 0 if device.type != "cuda" else torch.cuda.max_memory_reserved(device) + CONTEXT_BYTES


CONTEXT_BYTES = 600 << 20
"""CUDA's context with the kernels of cuDNN and cuBLAS; about half a GB on recent cards."""

if __name__ == "__main__":
    main()
